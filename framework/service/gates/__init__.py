"""The commands about gates, what becomes of a change of one, and the way of other threads to them.

They run on the thread of the service; `Gates` may be used by any thread.
"""
