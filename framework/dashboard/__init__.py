"""The dashboard: the framework's pages for people, at its `/`."""

from framework.dashboard.wiring import add_dashboard

__all__ = ["add_dashboard"]
