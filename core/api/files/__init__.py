"""The files that are published, served from what is kept of versions; decisions 94 and 95.

``route.py`` answers a request: ``catalog.py`` says what there is and who may have it, ``callers.py`` who asks,
``negotiation.py``, ``conditions.py`` and ``ranges.py`` what is to be sent, ``sending.py`` sends it, and
``fetch_log.py`` counts who has what.
"""
