"""Our own resources under ``/api/v2/exports``: one file for each subject.

The first segment of a path names the subject, so that no name of an export is in the way of one; a slash in a name is
sent as ``%2F``.  Errors are problem details (RFC 9457).  Decision 0096 says why.
"""
