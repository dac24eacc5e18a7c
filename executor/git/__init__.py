"""Gets the files of a commit, from mirrors that all attempts of an agent share.

Blocks on git, on the attempt's thread. A repository is untrusted.
"""
