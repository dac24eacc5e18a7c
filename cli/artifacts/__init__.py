"""`prevs job artifacts` and `prevs job get`: the files that a job's command left.

Runs on the main thread. The calls to the API are in client/.
"""
