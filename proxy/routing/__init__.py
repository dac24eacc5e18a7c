"""Placements read from ZooKeeper, compared with what HAProxy has, and brought into force.

Runs on the event loop; kazoo's callbacks only put events into a queue.
"""
