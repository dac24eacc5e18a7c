"""The framework's HTTP API as the proxy uses it, with calls and streams that pages share.

Runs on the event loop. What visitors see of it is in room/ and pages/.
"""
