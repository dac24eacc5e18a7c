"""The one thread that decides, what it does for those who ask, and the ports that reach it.

All but the ports' callers run on the service's thread; edges put events into its inbox.
"""
