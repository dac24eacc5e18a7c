"""The current attempt of each preview: what Mesos says of it, its end, and what comes then.

Owned by the service's thread. Starting one is scheduling/'s.
"""
