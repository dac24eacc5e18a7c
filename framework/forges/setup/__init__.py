"""Setting up the way to an app's forge: the webhook there, and the check of every part.

Over the clients beside it. Calls block on HTTP, and the check on git too; none raises.
"""
