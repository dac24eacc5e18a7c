"""The calls about stacks: what they take and show, and what git is asked before a change.

Runs on the event loop; what blocks runs in threads.
"""
