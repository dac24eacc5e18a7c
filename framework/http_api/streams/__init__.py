"""Streams of logs and events, and the resolution of labels, shared by many clients.

Runs on the event loop; blocking calls run in threads.
"""
