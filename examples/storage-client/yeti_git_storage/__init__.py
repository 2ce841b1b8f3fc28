"""A storage client for Yeti Exports: a Git repository, in which every publication is a commit."""
