"""What differs between forges: a class for each kind, alone in its file.

framework/forges/registry.py finds the classes here, and all that depends on a kind follows from
them. A sender of webhooks that is no forge to us is declared in the same way.
"""
