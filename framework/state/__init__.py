"""The records in memory, written through to the store, and what proxies read of them.

Owned by the service's thread. What the records look like on the wire is in the package prevs.
"""
