"""The attempt's log, bounded and without the app's secrets.

Any thread may write to it.
"""
