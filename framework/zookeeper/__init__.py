"""The edge to ZooKeeper, over kazoo: the store, the election of a leader, and the root znode.

Calls block, and run on the caller's thread; watches only put events into an inbox.
"""
