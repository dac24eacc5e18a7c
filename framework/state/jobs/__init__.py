"""The jobs in memory, written through to their store. Owned by the service's thread."""
