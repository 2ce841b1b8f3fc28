"""How the S3 client talks to a server: one connection per process, errors with remedies, writes as one."""
