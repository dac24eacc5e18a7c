"""The dashboard: the framework's pages for people, at its `/`.

Runs on the event loop of the API, whose ports and tokens it uses. JSON is in http_api/.
"""

from framework.dashboard.wiring import add_dashboard

__all__ = ["add_dashboard"]
