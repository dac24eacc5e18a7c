"""`prevs run` and `prevs job`: commands in an app's image, their output, states and results.

Runs on the main thread, but for the stream of a job whose output is awaited: a thread of its own
reads that, so that an interrupt disturbs no call. The calls to the API are in client/.
"""
