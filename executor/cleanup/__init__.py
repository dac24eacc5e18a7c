"""Removes what nobody uses when an agent's disk gets full, and what dead executors left.

Blocks on Docker and the disk, on the attempt's thread.
"""
