"""Gate commands, pending changes, and the thread-safe client for both.
They run on the thread of the service; `Gates` may be used by any thread.
"""
