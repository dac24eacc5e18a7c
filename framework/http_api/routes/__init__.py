"""The routes of the API, one file for each kind of resource.

Runs on the event loop. Each call uses a port of the framework.
"""
