"""Sessions, access to pages, and how answers are made.

Runs on the event loop. The pages themselves are in pages/.
"""
