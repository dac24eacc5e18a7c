"""Streams of logs and events, the resolution of labels, and what Mesos says of agents, shared by
many clients.

Runs on the event loop; blocking calls run in threads.
"""
