"""The framework's HTTP API: JSON, problem+json, and the log as an event stream.

Runs on the event loop of a thread of its own. It reads the service's snapshot, and hands commands
to its thread. The pages for people are in dashboard/.
"""

from framework.http_api.admission.admission import Admission
from framework.http_api.admission.audit import Audit
from framework.http_api.admission.client_signature import ClientSignature
from framework.http_api.admission.metrics_access import MetricsAccess
from framework.http_api.application import Ports, make_app
from framework.http_api.executor_file import ExecutorFile
from framework.http_api.executor_file import path as executor_path
from framework.http_api.probes import Probes
from framework.http_api.standby import Standby, Switch

__all__ = [
    "Admission",
    "Audit",
    "ClientSignature",
    "ExecutorFile",
    "MetricsAccess",
    "Ports",
    "Probes",
    "Standby",
    "Switch",
    "executor_path",
    "make_app",
]
