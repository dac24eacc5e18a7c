"""Middleware in front of every route: authentication, authorization, rate limits and logs.

Runs on the event loop. The routes themselves are in routes/.
"""
