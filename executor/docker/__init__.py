"""The connection to this agent's docker daemon, docker's settings, and who caused its errors.

Calls block on the daemon. Code for images and containers is in builds/ and container/.
"""
