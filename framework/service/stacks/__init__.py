"""The commands about stacks, what follows from stacks, and the way of other threads to them.

They run on the thread of the service; `Stacks` may be used by any thread.
"""
