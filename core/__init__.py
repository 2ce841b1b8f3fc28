"""Select threat intelligence, render it for its consumer, publish it safely.

The flow, one folder a stage::

    files, API --> ingest --> store --> exports: select -> render -> gate -> publish --> storage client

The house, from the outside in; imports run one way, downwards:

======================  ==================================================================
``cli``                 the command ``yetictl``
``api``                 the HTTP interfaces, and what is published
``notices``             what is wrong, and who is told
``tasks``               runs when they are due, by workers
``accounts``            users, keys, consumers, and who a caller is
``ingest``              one file per input format; what was refused and why
``exports``             definition, select, render, gate, publish, run; ``formats`` are drop-ins
``store``               SQL: tables, migrations, the write path and the read path
``clients``             ``persistient_storage``: where finished files go; ``classes`` are drop-ins
``schemas``             the nouns: claim, selection, export, template, run, version
``values``              what a value is: types, detection, refanging, canonical forms
``config log plugins``  settings, logging, the loader of drop-in files; ``behind`` runs calls in another thread
``errors``              the one tree of errors
``testing``             conformance kits for plug-in authors; outside the order above
======================  ==================================================================
"""

__version__ = "0.1.0"
