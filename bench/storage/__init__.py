"""The benchmark of storage clients: ``python -m bench.storage``."""
