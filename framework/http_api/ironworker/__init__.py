"""IronWorker's API, version 2, for its published clients: a project is an app, a task is a job.

It maps names, states and errors, and decides nothing: its tasks are made, listed and ended as all
jobs are. Runs on the event loop; what blocks runs in threads.
"""
