"""Tell people what is not as it should be: once when it begins, once when it is over.

``wrong.py`` says what is wrong at an instant, ``deciding.py`` what of it is news, ``texts.py`` how that is said; all
three are pure.  ``telling.py`` looks, and lets the ``channels`` deliver.  What is known and what was told are tables,
see `core.store.notices`.
"""
