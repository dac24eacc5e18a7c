"""Notifications and callbacks: an app's events, and the ends of jobs, sent to its receivers.

Each of the two runs on a thread of its own with an event loop. Nothing waits for them: they read
what the service has published, as the readers of the API's event feed in http_api/ do.
"""
