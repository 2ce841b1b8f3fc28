"""What the client of ``sftp://`` is made of."""
