"""Yeti's HTTP interface, as far as exports need it: same paths, fields, status codes and messages.

Where Yeti is wrong it is right: decision 0093 says where.
"""

PREFIX = "/api/v2"
