"""Puts the dashboard together, and adds it to the framework's HTTP application."""

import functools
import secrets
import time
from collections.abc import Callable, Sequence

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from framework.apps.password_digest import SALT_BYTES
from framework.dashboard.admin.app_settings import AppSettingsPages
from framework.dashboard.admin.credential_forms import CredentialForms
from framework.dashboard.admin.environment_page import EnvironmentPage
from framework.dashboard.admin.forge_page import ForgePage
from framework.dashboard.admin.token_pages import TokenPages
from framework.dashboard.gates.gate_pages import GatePages
from framework.dashboard.gates.list_pages import GateListPages
from framework.dashboard.jobs.job_pages import JobPages
from framework.dashboard.jobs.list_pages import ListPages
from framework.dashboard.jobs.schedule_actions import ScheduleActions
from framework.dashboard.live import LiveUpdates, PageVersions
from framework.dashboard.pages.app_pages import AppPages
from framework.dashboard.pages.cluster_page import ClusterPage
from framework.dashboard.pages.description_page import DescriptionPage
from framework.dashboard.pages.overview import Overview
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.preview_pages import PreviewPages
from framework.dashboard.session.command_line import CommandLineSignIn
from framework.dashboard.session.page_access import PageAccess
from framework.dashboard.session.provider_sign_in import ProviderSignIn
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.sessions import Sessions
from framework.dashboard.session.sign_in import SignIn
from framework.dashboard.session.static_files import Files
from framework.dashboard.session.streams import Streams
from framework.dashboard.session.trusted_headers import TrustedHeaders
from framework.dashboard.stacks.stack_pages import StackListPages, StackPages
from framework.http_api import Admission, Ports
from framework.http_api.checks.check_routes import check
from framework.http_api.gates.gate_changes import GateChanges
from framework.http_api.gates.gate_presenter import GatePresenter
from framework.http_api.http import problems
from framework.http_api.jobs.job_artifacts import JobArtifacts
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.http_api.jobs.job_requests import JobRequests
from framework.http_api.jobs.job_resolver import JobResolver
from framework.http_api.models.presenter import Presenter
from framework.http_api.schedules.schedule_runs import ScheduleRuns
from framework.http_api.stacks.stack_presenter import StackPresenter
from framework.http_api.stacks.stack_writing import StackWriting
from framework.http_api.streams.agent_shares import AgentShares
from framework.http_api.streams.label_resolver import LabelResolver
from framework.http_api.streams.logs import Logs
from framework.people.login_codes import LoginCodes
from framework.ports.identity import IdentityProvider
from framework.service.forge_setup import ForgeSetup
from prevs.names import Addresses


def add_dashboard(
    app: FastAPI,
    ports: Ports,
    admission: Admission,
    *,
    operator_token: str,
    addresses: Addresses,
    provider: IdentityProvider | None = None,
    proxies: Sequence[str] = (),
    now: Callable[[], float] = time.time,
) -> None:
    """Add the dashboard to `app`, at /. `now` is in seconds since the epoch.

    People sign in with `provider`, if there is one, at one of the `proxies` in front (networks), or
    with a token.
    """
    new_nonce = functools.partial(secrets.token_urlsafe, 16)
    sessions = Sessions(admission.tokens, operator_token, now=now, new_nonce=new_nonce)
    files = Files()
    versions = PageVersions(ports.previews, ports.jobs, ports.gates)
    pages = Pages(files, now, versions.find)
    access = PageAccess(sessions, pages, admission.audit, find_person=TrustedHeaders(proxies).find)
    context = _make_context(
        ports, admission, addresses=addresses, pages=pages, access=access, now=now
    )
    app.add_exception_handler(404, functools.partial(_answer_missing, pages))
    app.router.routes += [
        files.route(),
        *_list_sign_in(admission, sessions, access, pages, provider=provider, now=now),
        *_list_pages(context),
        *DescriptionPage(access, app.openapi).routes(),
    ]


def _list_sign_in(
    admission: Admission,
    sessions: Sessions,
    access: PageAccess,
    pages: Pages,
    *,
    provider: IdentityProvider | None,
    now: Callable[[], float],
) -> list[Route]:
    """Return the routes of the ways to sign in."""
    form = SignIn(sessions, access, pages, provider=provider.title if provider else "")
    tokens, audit, codes = admission.tokens, admission.audit, LoginCodes(now, secrets.choice)
    command_line = CommandLineSignIn(tokens, access, pages, audit=audit, codes=codes)
    routes = [*form.routes(), *command_line.routes()]
    if provider is not None:
        with_provider = ProviderSignIn(provider, sessions, pages, form, audit=audit, now=now)
        routes += with_provider.routes()
    return routes


def _make_context(
    ports: Ports,
    admission: Admission,
    *,
    addresses: Addresses,
    pages: Pages,
    access: PageAccess,
    now: Callable[[], float],
) -> PageContext:
    jobs, resolver = ports.jobs, LabelResolver(ports.previews, ports.refs)
    job_resolver = JobResolver(jobs, resolver)
    return PageContext(
        previews=ports.previews,
        jobs=jobs,
        schedules=ports.schedules,
        gates=ports.gates,
        stacks=ports.stacks,
        tokens=admission.tokens,
        audit=admission.audit,
        shares=AgentShares(ports.previews, ports.agents),
        presenter=Presenter(ports.previews, addresses, ports.ready, now),
        job_presenter=JobPresenter(
            ports.ready, lambda: jobs.snapshot.jobs, now, ports.notifications.last_try
        ),
        job_requests=JobRequests(jobs, job_resolver, secrets.token_hex),
        schedule_runs=ScheduleRuns(ports.schedules, job_resolver, secrets.token_hex),
        gate_presenter=GatePresenter(lambda: ports.gates.snapshot, addresses),
        gate_changes=GateChanges(ports.gates, ports.previews, resolver),
        stack_presenter=StackPresenter(lambda: ports.stacks.snapshot, addresses),
        stack_writing=StackWriting(ports.stacks, resolver),
        resolver=resolver,
        logs=Logs(ports.sandboxes),
        artifacts=JobArtifacts(ports.sandboxes),
        is_log_kept=ports.is_log_kept,
        addresses=addresses,
        ready=ports.ready,
        now=now,
        pages=pages,
        access=access,
        streams=Streams(),
        hooks=ports.hooks,
        forge_setup=ForgeSetup(ports.previews, ports.forge, ports.hooks, addresses.hook_url),
        check=functools.partial(check, ports.refs, ports.images, ref=""),
    )


def _list_pages(context: PageContext) -> list[Route]:
    """Return the routes of the pages for viewers who have signed in."""
    return [
        *Overview(context).routes(),
        *ClusterPage(context).routes(),
        *AppSettingsPages(context, functools.partial(secrets.token_hex, SALT_BYTES)).routes(),
        *EnvironmentPage(context).routes(),
        *ForgePage(context).routes(),
        *CredentialForms(context).routes(),
        *AppPages(context).routes(),
        *ListPages(context).routes(),
        *JobPages(context).routes(),
        *ScheduleActions(context).routes(),
        *GateListPages(context).routes(),
        *GatePages(context).routes(),
        *StackListPages(context).routes(),
        *StackPages(context).routes(),
        *PreviewPages(context).routes(),
        *TokenPages(context).routes(),
        *LiveUpdates(context).routes(),
    ]


async def _answer_missing(pages: Pages, request: Request, error: Exception) -> Response:
    """Answer 404: with a page if a browser wants one, else with a problem."""
    wants_page = "text/html" in request.headers.get("Accept", "")
    if not wants_page or request.url.path.startswith("/v1/"):
        return await problems.answer_http(request, error)
    return pages.refuse(request, None, 404, f"There is nothing at {request.url.path}.")
