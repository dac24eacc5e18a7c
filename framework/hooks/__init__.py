"""Webhooks of forges: whether one is authentic, whether it came before, where people enter it.

Pure. What a delivery says is never read: it only has the repository looked at now. The call that
takes it is in http_api/, the poller that looks in git/. Notifications are signed in one of the same
ways.
"""
