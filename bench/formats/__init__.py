"""How fast observables become each format: ``python -m bench.formats``."""
