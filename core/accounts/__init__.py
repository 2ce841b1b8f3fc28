"""Who may use the API: users with passwords and roles, keys for programs, and what they changed.

Passwords are kept as argon2id says, keys as their SHA-256: a key is random and long, so that nothing slower is needed,
and it can be looked up.  Neither is ever shown again.
"""
