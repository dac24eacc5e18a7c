"""The records in memory, written through to the store, and the placements that proxies read.

Owned by the service's thread. The package prevs defines the stored form of the records.
"""
