"""Pull requests: which of their commits may be built, and what a look at the forge changes.

Also which new heads, of pull requests and branches, are built ahead of their first visit.

Pure. The records are in state/, the threads that look in forges/, the one that decides in service/.
"""
