"""Render the templates of users: read, judged and run as what they are, untrusted programs."""
