"""The store: observables and what is claimed about them, exports, templates, runs, versions.

``open_store`` gives a ``Store``; the modules here are functions on it:

- ``imports`` the write path, ``merge`` its rules, ``rendering`` the derived text;
- ``snapshot`` the read path of exports, ``conditions`` the selection in SQL;
- ``definitions``, ``leases``, ``runs``, ``versions`` exports; ``jobs`` and ``job_claims`` the queue;
- ``observables``, ``tags``, ``allow_lists``, ``kept_templates`` the rest;
- ``rebuild`` proves and restores what is derived;
- ``schema``, ``migrate``, ``dialect`` the database itself.
"""

from core.store.store import Store, open_store

__all__ = ["Store", "open_store"]
