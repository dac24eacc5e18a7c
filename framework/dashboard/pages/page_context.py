"""What the dashboard's pages work with."""

from collections.abc import Callable
from typing import NamedTuple

from framework.dashboard.session.page_access import PageAccess
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.streams import Streams
from framework.http_api.admission.audit import Audit
from framework.http_api.checks.check_models import Check
from framework.http_api.gates.gate_changes import GateChanges
from framework.http_api.gates.gate_presenter import GatePresenter
from framework.http_api.jobs.job_artifacts import JobArtifacts
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.http_api.jobs.job_requests import JobRequests
from framework.http_api.models.presenter import Presenter
from framework.http_api.schedules.schedule_runs import ScheduleRuns
from framework.http_api.stacks.stack_presenter import StackPresenter
from framework.http_api.stacks.stack_writing import StackWriting
from framework.http_api.streams.agent_shares import AgentShares
from framework.http_api.streams.label_resolver import LabelResolver
from framework.http_api.streams.logs import Logs
from framework.ports import HookPorts, Tokens
from framework.service.forge_setup import ForgeSetup
from framework.service.gates.gate_service import Gates
from framework.service.jobs.job_service import Jobs
from framework.service.jobs.schedule_service import Schedules
from framework.service.service_client import ServiceClient
from framework.service.stacks.stack_service import Stacks
from prevs.names import Addresses
from prevs.records import AppRecord


class PageContext(NamedTuple):
    """The ports that pages read and write, and what makes answers from them.

    `ready` returns None, or why nothing can start now. `is_log_kept` is as in Ports.
    `now` is in seconds since the epoch. `check` looks at an app to be, and blocks on git.
    """

    previews: ServiceClient
    jobs: Jobs
    schedules: Schedules
    gates: Gates
    stacks: Stacks
    tokens: Tokens
    audit: Audit
    shares: AgentShares
    presenter: Presenter
    job_presenter: JobPresenter
    job_requests: JobRequests
    schedule_runs: ScheduleRuns
    gate_presenter: GatePresenter
    gate_changes: GateChanges
    stack_presenter: StackPresenter
    stack_writing: StackWriting
    resolver: LabelResolver
    logs: Logs
    artifacts: JobArtifacts
    is_log_kept: Callable[[str], bool]
    addresses: Addresses
    ready: Callable[[], str | None]
    now: Callable[[], float]
    pages: Pages
    access: PageAccess
    streams: Streams
    hooks: HookPorts
    forge_setup: ForgeSetup
    check: Callable[[AppRecord], Check]
