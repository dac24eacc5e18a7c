"""The calls about gates: what they take and show, and how a change of one is prepared.

Runs on the event loop; what blocks runs in threads.
"""
