"""Notifications: an app's events, sent to the receivers that its admins have added.

They run on a thread of their own with an event loop. Nothing waits for it: it reads what the
service has published, as the readers of the API's event feed in http_api/ do.
"""
