"""The framework's HTTP API: JSON, problem+json, and the log as an event stream."""

from framework.http_api.application import make_app

__all__ = ["make_app"]
