"""The gates in memory, written through to the store. Owned by the service's thread."""
