"""The framework's HTTP API: JSON, problem+json, and the log as an event stream."""

from framework.http_api.application import make_app
from framework.http_api.probes import Probes
from framework.http_api.standby import Standby, Switch

__all__ = ["Probes", "Standby", "Switch", "make_app"]
