"""Storage clients, as source text, that tests drop into a folder."""

from core.clients.persistient_storage import registry

FIVE_METHODS = '''
"""Keeps text in the memory of this process: five://name-of-a-box."""


class FiveMethodClient:
    PREFIX = "five://"
    CANNOT_PROMISE = frozenset({"fork"})  # a child has a memory of its own
    BOXES = {}

    def __init__(self, path):
        self.path = path
        self.box = self.BOXES.setdefault(path, {})

    def file_path(self, file_name):
        return f"{self.path}/{file_name}"

    def get_file(self, file_name):
        if file_name not in self.box:
            raise FileNotFoundError(file_name)
        return self.box[file_name].decode()

    def put_file(self, file_name, contents):
        self.box[file_name] = contents.encode()

    def delete_file(self, file_name):
        self.box.pop(file_name, None)
'''

CLIENT = """
class {name}:
    PREFIX = "{prefix}"
    def __init__(self, path): self.path = path
    def file_path(self, file_name): return "{says}" + file_name
    def get_file(self, file_name): raise FileNotFoundError(file_name)
    def put_file(self, file_name, contents): pass
    def delete_file(self, file_name): pass
"""


def source(name="Mine", prefix="mine://", says="") -> str:
    return CLIENT.format(name=name, prefix=prefix, says=says)


def listed(prefix: str) -> list[registry.Listed]:
    return [row for row in registry.clients() if row.prefix == prefix]
