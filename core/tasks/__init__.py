"""Run exports when they are due.

What is wanted stands in the store's queue (`core.store.jobs`); schedules put it there (`core.store.schedules`), and
people.  A ``worker`` does one job after the other; the ``service`` is some workers that go on until they are told to
stop.
"""
