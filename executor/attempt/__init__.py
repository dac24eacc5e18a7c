"""One attempt, from a commit to the end of its container, from top to bottom in job.py.

Uses only ports.py. Runs on the attempt's thread.
"""
