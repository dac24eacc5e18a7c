"""The connection to this agent's docker daemon, its settings, and the causes of its errors.

Calls block on the daemon, on the caller's thread. Code for images and containers is in builds/ and
container/.
"""
