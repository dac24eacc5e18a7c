"""The client of the framework's HTTP API: calls, types of answers, streams, credentials.

Calls block and raise the errors of cli.errors. They run on the caller's thread. Nothing here
prints; that is done by display/. What is in generated/, `make generate` makes.
"""
