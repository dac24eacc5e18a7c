"""Pull requests: which of their commits may be built, and what a look at the forge changes.

Pure. The records are in state/, the threads that look in forges/, the one that decides in service/.
"""
