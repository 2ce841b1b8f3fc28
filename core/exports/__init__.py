"""Select observables, render them, check the result, and publish it.

``run.run_export`` is the four in order: ``select`` gives the rows of one snapshot, ``render`` writes them to files
in a spool folder, ``gate`` says whether they may go out, ``publish`` puts them where they are fetched.
"""
