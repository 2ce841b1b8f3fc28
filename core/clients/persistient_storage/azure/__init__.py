"""How the Azure client talks to a server: one connection per process, errors with remedies, blocks as one."""
