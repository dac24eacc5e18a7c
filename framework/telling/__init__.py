"""What prevs says in pull requests: the texts, what is still to be said, and when.

Pure. The clients of forges, and the threads that use them, are in forges/; service/ keeps what
was said.
"""
