"""What executors of one agent share and leave: work folder, locks, and who cleans up after whom.

Calls block on files alone. Removing what fills a disk is in cleanup/.
"""
