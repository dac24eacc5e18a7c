"""The framework's HTTP API as the proxy uses it: asked once for all who ask the same.

Runs on the event loop. What visitors are shown of it is in room/ and pages/.
"""
