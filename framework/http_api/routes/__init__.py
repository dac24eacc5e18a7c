"""The routes of the API, one file for each kind of thing.

Runs on the event loop. Each call asks a port of the framework.
"""
