"""`prevs stack`: apps that are previewed together, and the variants of them that people open.

Runs on the main thread. The calls to the API are in client/.
"""
