"""STUB"""
def cut_query(*a): raise NotImplementedError
