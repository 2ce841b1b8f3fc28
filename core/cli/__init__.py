"""The command ``yetictl``: one file a noun, data to standard output, talk to standard error."""
