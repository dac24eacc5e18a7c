"""The HTTP of the API: problems, conditional requests, pages of lists, parameters.

Knows no preview and no app. Runs on the event loop.
"""
