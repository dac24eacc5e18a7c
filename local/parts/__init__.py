"""What a part of a cluster is: it starts, gets ready, may fail, and ends.

Calls block, on the main thread. Also processes and ports, which parts are made of. Which parts a
cluster has is in cluster/.
"""
