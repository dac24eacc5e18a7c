"""The pages about stacks: all of them, and each by itself with its open variants.

Runs on the event loop; what blocks runs in threads.
"""
