"""The current attempt of each unit: what Mesos reports about it, its end, and what follows.

Owned by the service's thread. scheduling/ starts attempts.
"""
