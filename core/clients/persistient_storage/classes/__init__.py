"""The drop-in folder: one storage client a file; a file added here is used by the next `get_client`.

The contract is in `core.clients.persistient_storage.spec`.
"""
