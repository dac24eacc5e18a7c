"""Stacks: their members and variants as people write them, and what follows from the records.

Pure. The gates of a stack are in its members' gates, which proxies read as any other.
"""
