"""Load and faults of the services: how many requests, how many exports at once, and what survives when parts die.

Real processes on loopback: ``yetictl api`` and ``yetictl tasks``, PostgreSQL, SeaweedFS, nginx to compare with, wrk to ask.
Bounded in time and in connections.
"""
