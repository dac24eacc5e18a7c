"""The dashboard: the framework's pages for people, at its `/`."""

from framework.dashboard.wiring import Ports, add_dashboard

__all__ = ["Ports", "add_dashboard"]
