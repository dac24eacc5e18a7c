"""The work folder that the executors of an agent share, its locks, and who cleans up after whom.

Calls block only on files, on the caller's thread. Code that removes what fills a disk is in
cleanup/.
"""
