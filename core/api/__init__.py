"""The service ``api``: Yeti's HTTP interface as far as exports need it, our own beside it, and the published files.

``app.py`` puts the routes together, ``serving.py`` runs them; ``yeti`` has what Yeti's clients speak.
A route parses, calls one function of the layers below, and shapes the answer.
"""
