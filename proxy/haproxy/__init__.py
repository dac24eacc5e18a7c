"""HAProxy: its configuration, its process, its runtime API, and the processes that it replaces.

Runs on the event loop. routing/ decides where hosts lead.
"""
