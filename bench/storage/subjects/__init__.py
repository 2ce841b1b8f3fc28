"""What is measured: ours, boto3, and what they are held against; each is used as its own manual does.

``load`` makes everything that is reused; then ``put`` and ``get`` are of a small object, ``upload`` of a file,
``download`` in chunks, ``text`` of chunks of unknown length, ``chunks`` of known length.  A subject that lacks a
method is not measured in it.

These modules are loaded in the environments of the others too, and count in the start-up of each: they import
nothing at the top that Python has not loaded by itself, and only the one that is asked for is loaded.
"""

from importlib import import_module

_WHERE = {
    "ours": "ours.Ours",
    "ours-local": "ours.OursLocal",
    "recipe": "bare.Recipe",
    "boto3": "raw_boto3.Boto3",
    "boto3-lean": "raw_boto3.Boto3Lean",
    "boto3-joined": "raw_boto3.Boto3Joined",
    "obstore": "others.Obstore",
    "s3fs": "others.S3fs",
    "smart_open": "others.SmartOpen",
    "cloudpathlib": "others.CloudPathLib",
    "minio": "others.Minio",
    "socket": "bare.BareSocket",
}
LOCAL = ("ours-local", "recipe")
REMOTE = tuple(name for name in _WHERE if name not in LOCAL)
"""Those that talk to a server, in the order of the tables."""


def subject(name: str) -> type:
    """Return what is called so on the command line."""
    module, _, found = _WHERE[name].partition(".")
    return getattr(import_module(f"{__name__}.{module}"), found)
