"""Stack commands, the gates that follow from stacks, and the thread-safe client for them.
They run on the thread of the service; `Stacks` may be used by any thread.
"""
