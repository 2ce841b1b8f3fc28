"""Clients of other systems; so far the places where finished files go."""
