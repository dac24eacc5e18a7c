"""The output of attempts: read from the agents, and the ends of those that are over kept on disk.

Calls block on an agent or a disk; the archiver has a thread of its own.
"""
