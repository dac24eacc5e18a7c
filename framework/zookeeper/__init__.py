"""The edge to ZooKeeper, over kazoo: the store, who leads, and what is at our root.

Calls block, and run on the thread of whoever calls; watches only put events into an inbox.
"""
