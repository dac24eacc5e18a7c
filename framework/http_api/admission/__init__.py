"""What each request passes before it reaches a route: who asks, may they, how often, what is
logged.

Runs on the event loop. What a route does is in routes/.
"""
