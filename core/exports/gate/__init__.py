"""Decide what may go out: which entries must not be on a list, and whether the list as a whole looks wrong."""
