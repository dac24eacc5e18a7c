"""What an agent can do without, removed when its disk gets full, and what dead executors left.

Blocks on Docker and the disk, on the attempt's thread.
"""
