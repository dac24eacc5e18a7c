"""`prevs schedule`: what makes jobs at times, written, shown, paused and run.

Runs on the main thread. The calls to the API are in client/.
"""
