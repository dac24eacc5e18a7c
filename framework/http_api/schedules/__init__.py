"""The calls about schedules: what they take and show, and who may write which.

Runs on the event loop; what blocks runs in threads.
"""
