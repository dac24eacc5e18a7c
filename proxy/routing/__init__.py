"""Reads the placements from ZooKeeper, compares them with HAProxy's routes, and applies them.

Runs on the event loop; kazoo's callbacks only put events into a queue.
"""
