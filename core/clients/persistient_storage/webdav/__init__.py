"""What the clients of ``webdav://`` and ``webdavs://`` are made of."""
