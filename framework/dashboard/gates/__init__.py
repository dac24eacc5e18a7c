"""The pages about gates: all of them, those of an app, and each by itself.

Runs on the event loop; what blocks runs in threads.
"""
