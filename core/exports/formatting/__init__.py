"""What the files of ``core/exports/formats`` share: their contract, and the rules of values that several keep.

Nothing here is a format; a format imports from here what it needs.
"""
