"""The connection to this agent's docker daemon, its settings, and whose fault its errors are.

Calls block on the daemon. Images and containers are in builds/ and container/.
"""
