"""Schedules: the times at which they make jobs, how people write them, and what happens at a time.

Pure. The records are in state/, the one that decides in service/.
"""
