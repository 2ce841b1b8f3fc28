"""``/api/v2/users`` and ``/api/v2/audit``: who may use the interface, and who changed what.

Admins keep users and all keys; everybody keeps the own password and the own keys.  Errors are ``{"detail": …}``.
"""
