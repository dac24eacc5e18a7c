"""The commands about jobs, and the way of other threads to them.

The commands run on the thread of the service; `Jobs` may be used by any thread.
"""
