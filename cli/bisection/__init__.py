"""`prevs bisect`: the commit at which a command began to fail, found by jobs.

`search` decides which commits to try, `tries` has their jobs, and `rounds` goes on until the commit
is known. All on the main thread.
"""
