"""Read intelligence from files: one file per input format; what was refused, and why."""
