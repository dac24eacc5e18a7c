"""One attempt, from a commit to the end of its container, told from top to bottom in job.py.

Speaks to the world through ports alone. Runs on the attempt's thread.
"""
