"""The data that the programs of prevs exchange, byte for byte.

Names, units, znode paths, versioned records, task messages and states. Standard library only, no
I/O: framework, executor, proxy and cli import this package and never each other.
"""
