"""Storage clients, as source text, that tests drop into a folder."""

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
