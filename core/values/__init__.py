"""What a value is: its type, how it is detected, refanged, and brought into its one canonical form."""
