"""How fast the whole is, beside what the engine under it does for the same bytes: ``python -m bench``."""
