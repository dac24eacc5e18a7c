"""The pages about jobs: all of them, those of an app, and one with its log and its result.

Runs on the event loop; what blocks runs in threads.
"""
