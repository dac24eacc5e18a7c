"""The data of branches on this agent, which one preview after the other has.

Blocks on Docker and on locks, on the attempt's thread.
"""
