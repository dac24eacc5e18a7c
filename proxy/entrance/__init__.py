"""How visitors enter the previews of guarded apps: with the app's password, with an account,
or with a shared link.

Not here: the check of each request (HAProxy). Runs on the event loop.
"""
