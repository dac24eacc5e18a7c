"""The gates and stacks in memory, written through to the store, and which records are signed.

Owned by the service's thread.
"""
