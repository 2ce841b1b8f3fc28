"""Conformance kits for those who write plug-ins: subclass one, and its tests are yours."""
