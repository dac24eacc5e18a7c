"""The attempt's log as others read it, without its secrets.

Called from any thread.
"""
