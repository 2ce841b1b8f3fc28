"""Answer questions about exports: does one list a value, and why; what of a log would it have hit?"""
