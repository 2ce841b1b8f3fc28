"""How the Google client talks to a server: one connection per process, errors with remedies, one upload."""
