"""Put finished files where they are fetched, with checksums and signatures beside them."""
