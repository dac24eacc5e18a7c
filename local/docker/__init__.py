"""Docker on this machine: the dockerd that answers, or one of our own with its network.

Calls block, on the main thread. It also removes what a cluster left in Docker. Containers of
previews are the executor's.
"""
