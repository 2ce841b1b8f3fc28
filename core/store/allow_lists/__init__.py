"""What must not be blocked: lists, imported and carried, and what they match among the observables."""
