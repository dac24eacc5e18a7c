"""The API put together."""

import time
from collections.abc import Callable, Iterator, Sequence
from secrets import token_hex
from typing import NamedTuple

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry
from starlette.routing import BaseRoute

from framework.apps.pass_texts import PassWriter
from framework.apps.recipes import OFFICIAL, BaseImages
from framework.events import ProxyReport
from framework.http_api import description, probes
from framework.http_api.admission import calls
from framework.http_api.admission.access_log import AccessLog
from framework.http_api.admission.admission import Admission
from framework.http_api.admission.operations import Routes, name_operation
from framework.http_api.checks.check_routes import CheckRoutes
from framework.http_api.data.data_routes import DataRoutes
from framework.http_api.gates.gate_changes import GateChanges
from framework.http_api.gates.gate_presenter import GatePresenter
from framework.http_api.gates.gate_routes import GateRoutes
from framework.http_api.gates.signature_routes import SignatureRoutes
from framework.http_api.http import problems
from framework.http_api.ironworker.code_packages import CodePackages
from framework.http_api.ironworker.code_routes import CodeRoutes
from framework.http_api.ironworker.refusals import rewrite_refusals
from framework.http_api.ironworker.schedule_routes import ScheduleRoutes as TaskScheduleRoutes
from framework.http_api.ironworker.task_requests import TaskRequests
from framework.http_api.ironworker.task_routes import TaskRoutes
from framework.http_api.jobs.artifact_routes import ArtifactRoutes
from framework.http_api.jobs.job_artifacts import JobArtifacts
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.http_api.jobs.job_requests import JobRequests
from framework.http_api.jobs.job_resolver import JobResolver
from framework.http_api.jobs.job_routes import JobRoutes
from framework.http_api.landing.landing_routes import LandingRoutes
from framework.http_api.models.presenter import Presenter
from framework.http_api.routes.access_routes import AccessRoutes
from framework.http_api.routes.agent_routes import AgentRoutes
from framework.http_api.routes.app_routes import AppRoutes
from framework.http_api.routes.entry_routes import EntryRoutes
from framework.http_api.routes.event_routes import EventRoutes
from framework.http_api.routes.forge_routes import ForgeRoutes
from framework.http_api.routes.hook_routes import HookRoutes
from framework.http_api.routes.notification_routes import NotificationRoutes
from framework.http_api.routes.preview_routes import PreviewRoutes
from framework.http_api.routes.pull_routes import PullRoutes
from framework.http_api.routes.ref_routes import RefRoutes
from framework.http_api.routes.secret_routes import SecretRoutes
from framework.http_api.routes.token_routes import RoleRoutes, TokenRoutes
from framework.http_api.routes.use_routes import UseRoutes
from framework.http_api.schedules.schedule_routes import ScheduleRoutes
from framework.http_api.schedules.schedule_runs import ScheduleRuns
from framework.http_api.stacks.stack_presenter import StackPresenter
from framework.http_api.stacks.stack_routes import StackRoutes
from framework.http_api.stacks.stack_writing import StackWriting
from framework.http_api.streams.address_resolver import AddressResolver
from framework.http_api.streams.agent_shares import AgentShares
from framework.http_api.streams.feed import Feed
from framework.http_api.streams.label_resolver import LabelResolver
from framework.http_api.streams.logs import Logs
from framework.metrics import ApiMetrics, HookMetrics
from framework.ports import Agents, HookPorts, Repositories, Sandboxes
from framework.ports.forges import ForgePorts
from framework.ports.notifications import NotificationPorts
from framework.service.forge_setup import ForgeSetup
from framework.service.gates.gate_service import Gates
from framework.service.jobs.job_service import Jobs
from framework.service.jobs.schedule_service import Schedules
from framework.service.service_client import ServiceClient
from framework.service.stacks.stack_service import Stacks
from framework.visitors.sign_in import VisitorSignIn
from prevs.names import Addresses


class Ports(NamedTuple):
    """What the API and the dashboard read and write.

    `ready` returns None, or why nothing can start. `report` takes a proxy's report, `note_proxy`
    the address of a proxy that reports. None of these may block. `passes` makes the texts of
    visitors' passes, and `visitors` signs them in. `is_log_kept` returns whether the framework
    keeps the log of a task; it reads the disk. `forge` blocks on HTTP. `now` is in seconds since
    the epoch. `images` are the base images of recipes.
    """

    previews: ServiceClient
    jobs: Jobs
    schedules: Schedules
    gates: Gates
    stacks: Stacks
    refs: Repositories
    sandboxes: Sandboxes
    agents: Agents
    ready: Callable[[], str | None]
    report: Callable[[ProxyReport], None]
    is_log_kept: Callable[[str], bool]
    hooks: HookPorts
    notifications: NotificationPorts
    passes: PassWriter
    visitors: VisitorSignIn
    forge: ForgePorts
    note_proxy: Callable[[str], None] = lambda _: None
    images: BaseImages = OFFICIAL
    now: Callable[[], float] = time.time


def make_app(
    ports: Ports,
    admission: Admission,
    *,
    addresses: Addresses,
    registry: CollectorRegistry,
    checks: probes.Probes,
    ironworker: bool = False,
    make_routes: Callable[[Routes], Sequence[BaseRoute]] = Routes.make_routes,
) -> FastAPI:
    """Return the API as an ASGI application.

    `checks` are those of /healthz and /readyz. `registry` counts the requests. With `ironworker`
    it answers IronWorker's clients, too. `make_routes` makes the routes of functions.
    """
    app = _described()
    declared = [description.OF_DESCRIPTION]
    for routes in _list_routes(ports, admission, addresses, registry, ironworker=ironworker):
        # To include a router would make its routes once more.
        app.routes.extend(make_routes(routes))
        declared += (one.operation for one in routes.list_endpoints())
    app.include_router(probes.make_router(checks))
    prefixes = (calls.OWN, calls.IRONWORKER) if ironworker else (calls.OWN,)
    operations = calls.Operations(declared, prefixes)
    description.describe_access(app, operations)
    problems.handle_problems(app, addresses)
    admission.guard(app, operations)
    app.add_middleware(AccessLog, metrics=ApiMetrics(registry))
    if ironworker:
        app.add_middleware(rewrite_refusals)
    return app


def _list_routes(
    ports: Ports,
    admission: Admission,
    addresses: Addresses,
    registry: CollectorRegistry,
    *,
    ironworker: bool,
) -> Iterator[Routes]:
    """Yield what answers all calls, in the order of the OpenAPI description.

    IronWorker's calls are not in it.
    """
    previews = ports.previews
    presenter = Presenter(previews, addresses, ports.ready, ports.now)
    resolver, logs = LabelResolver(previews, ports.refs), Logs(ports.sandboxes)
    at_addresses = AddressResolver(resolver, previews, ports.refs)
    yield AppRoutes(previews, at_addresses, addresses)
    yield CheckRoutes(ports.refs, ports.images)
    yield from _list_app_routes(ports, admission, addresses, registry)
    yield PreviewRoutes(previews, at_addresses, logs, presenter, is_log_kept=ports.is_log_kept)
    yield from _list_job_routes(ports, resolver, logs, ironworker=ironworker)
    yield from _list_gate_routes(ports, resolver, addresses)
    yield UseRoutes(presenter, ports.report, ports.note_proxy)
    yield RefRoutes(resolver, addresses)
    yield PullRoutes(previews, addresses)
    yield DataRoutes(previews)
    yield LandingRoutes(previews, resolver, addresses, ports.now)
    yield AgentRoutes(AgentShares(previews, ports.agents))
    yield EventRoutes(previews, Feed(lambda: previews.history))
    yield NotificationRoutes(previews, ports.notifications, ports.now)
    yield RoleRoutes(previews)
    yield TokenRoutes(admission.tokens, admission.audit)
    yield SignatureRoutes(previews)


def _list_app_routes(
    ports: Ports, admission: Admission, addresses: Addresses, registry: CollectorRegistry
) -> Iterator[Routes]:
    """Yield what answers calls about an app's secrets, webhooks, access and forge."""
    previews = ports.previews
    yield SecretRoutes(previews)
    setup = ForgeSetup(previews, ports.forge, ports.hooks, addresses.hook_url)
    yield HookRoutes(
        previews,
        ports.hooks,
        setup,
        HookMetrics(registry),
        addresses=addresses,
        now=ports.now,
        clock=admission.clock,
    )
    yield AccessRoutes(previews, ports.passes, token_hex)
    yield EntryRoutes(previews, ports.visitors, admission.clock)
    yield ForgeRoutes(previews, setup)


def _list_gate_routes(
    ports: Ports, resolver: LabelResolver, addresses: Addresses
) -> Iterator[Routes]:
    """Yield what answers calls about gates and stacks."""
    yield GateRoutes(
        ports.gates,
        GateChanges(ports.gates, ports.previews, resolver),
        GatePresenter(lambda: ports.gates.snapshot, addresses),
    )
    yield StackRoutes(
        ports.stacks,
        StackWriting(ports.stacks, resolver),
        StackPresenter(lambda: ports.stacks.snapshot, addresses),
    )


def _list_job_routes(
    ports: Ports, resolver: LabelResolver, logs: Logs, *, ironworker: bool
) -> Iterator[Routes]:
    """Yield what answers calls about jobs and schedules, with `ironworker` its clients', too."""
    job_resolver = JobResolver(ports.jobs, resolver)
    job_presenter = JobPresenter(
        ports.ready,
        lambda: ports.jobs.snapshot.jobs,
        ports.now,
        ports.notifications.last_try,
    )
    yield JobRoutes(
        ports.jobs,
        JobRequests(ports.jobs, job_resolver, token_hex),
        logs,
        job_presenter,
        is_log_kept=ports.is_log_kept,
    )
    yield ArtifactRoutes(ports.jobs, JobArtifacts(ports.sandboxes))
    yield ScheduleRoutes(
        ports.schedules,
        job_resolver,
        job_presenter,
        runs=ScheduleRuns(ports.schedules, job_resolver, token_hex),
        now=ports.now,
    )
    if ironworker:
        code_packages = CodePackages(ports.previews, resolver, job_resolver)
        tasks = TaskRequests(ports.jobs, job_resolver, code_packages, token_hex)
        yield TaskRoutes(ports.jobs, tasks, logs)
        yield CodeRoutes(ports.jobs, code_packages)
        yield TaskScheduleRoutes(ports.schedules, code_packages, token_hex, ports.now)


def _described() -> FastAPI:
    """Return the application with its description, and no routes yet."""
    return FastAPIOffline(
        title="prevs",
        summary="Every commit of a git repository at its own address",
        description=description.DESCRIPTION,
        version="1",
        openapi_url=calls.DESCRIPTION,
        # The dashboard has a page of it, for those who have signed in.
        docs_url=None,
        openapi_tags=description.TAGS,
        generate_unique_id_function=name_operation,
        redoc_url=None,
        redirect_slashes=False,
        static_url=description.FILES,
    )
