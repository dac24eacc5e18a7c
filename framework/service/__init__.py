"""The thread that decides, its commands, and the ports through which other threads reach it.

Everything except the callers of the ports runs on the service's thread; edges put events into its
inbox.
"""
