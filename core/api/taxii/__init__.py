"""Published exports as collections of read-only TAXII 2.1, for platforms rather than firewalls; decision 94.

A collection has what the current version of its export lists, as STIX indicators.
Source: TAXII Version 2.1, OASIS Standard, 10 June 2021.
"""

PREFIX = "/taxii2"
MEDIA_TYPE = "application/taxii+json;version=2.1"
