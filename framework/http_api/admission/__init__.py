"""What each request passes before a route: who asks, what they may, how often, what is logged.

Runs on the event loop. What a route does is in routes/.
"""
