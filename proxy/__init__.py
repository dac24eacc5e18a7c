"""The proxy: HAProxy steered by the placements, its controller and the waiting room.

HAProxy forwards; nothing of ours is in the path of a request that has a placement. The controller
only reads ZooKeeper and never decides what runs; the waiting room asks the framework for that.
"""
