"""HAProxy: its configuration, its process, its runtime API, and the processes that it replaces.

Runs on the event loop. Where hosts lead is decided in routing/.
"""
