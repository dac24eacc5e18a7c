"""`prevs gate`: addresses whose rules choose a label, written, switched, rolled back and tried.

Runs on the main thread. The calls to the API are in client/.
"""
