"""The web application of a leader: the API and the dashboard over its parts."""

import functools
from collections.abc import Callable, Iterable, Sequence
from secrets import token_hex, token_urlsafe
from typing import NamedTuple

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from framework import dashboard, http_api
from framework.apps import repository_url
from framework.apps.pass_texts import PassWriter
from framework.clock import Clock
from framework.forges import registry
from framework.forges.forges import Forges
from framework.forges.setup import webhooks
from framework.forges.setup.check import Connection, check, explain_none
from framework.logs.archive import ArchivedSandboxes
from framework.mesos.agent_list import MesosState
from framework.mesos.scheduler import MesosCluster
from framework.people import seals
from framework.ports import EnteredHook, HookPorts, Repositories
from framework.ports.forges import Finding, ForgePorts, Webhook
from framework.ports.identity import IdentityProvider
from framework.ports.notifications import NotificationPorts
from framework.service.gates.gate_service import Gates
from framework.service.jobs.job_service import Jobs
from framework.service.jobs.schedule_service import Schedules
from framework.service.service import Service
from framework.service.service_client import ServiceClient
from framework.service.stacks.stack_service import Stacks
from framework.service.tokens import ServiceTokens
from framework.settings import Settings
from framework.trust import judge_signatures
from framework.visitors.sign_in import Terms, VisitorSignIn
from prevs.access import Access
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord
from prevs.signatures import derive_pass_key
from program.http import health
from program.http.health import Check

log = structlog.get_logger(__name__)


class Sources(NamedTuple):
    """What a leader's application answers from."""

    service: Service
    cluster: MesosCluster
    refs: Repositories
    sandboxes: ArchivedSandboxes
    hooks: HookPorts
    forges: Forges
    confirm: Callable[[AppRecord], object]
    find_ref_problem: Callable[[AppRecord, str], str]
    notifications: NotificationPorts


def make_app(
    chosen: Settings,
    sources: Sources,
    *,
    clock: Clock,
    registry: CollectorRegistry,
    exposure: Callable[[], Sequence[Check]],
) -> FastAPI:
    """Return the API, with the dashboard at its /; `exposure` returns more checks for /readyz."""
    operator, addresses = chosen.token(), chosen.addresses()
    service, cluster = sources.service, sources.cluster
    is_changing = len(chosen.proxy_tokens()) > 1

    def signed() -> Check:
        return judge_signatures(
            service.snapshot.refused, service.count_missigned(), is_changing=is_changing
        )

    checks = http_api.Probes(
        lambda: (service.health(),),
        lambda: (*_readiness(chosen, service, cluster), signed(), *exposure()),
    )
    provider = _make_provider(chosen, clock)
    visitors = _make_visitors(chosen, provider, clock)
    ports = _make_ports(chosen, sources, checks, visitors)
    admission = _make_admission(chosen, service, operator, clock)
    app = http_api.make_app(
        ports,
        admission,
        addresses=addresses,
        registry=registry,
        checks=checks,
        ironworker=chosen.ironworker,
    )
    dashboard.add_dashboard(
        app,
        ports,
        admission,
        operator_token=operator,
        addresses=addresses,
        provider=provider,
        proxies=chosen.proxies_in_front(),
    )
    return app


def _make_provider(chosen: Settings, clock: Clock) -> IdentityProvider | None:
    sign_in = chosen.provider()
    if sign_in is None:
        return None
    # It imports joserfc, which takes 40 ms.
    from framework.identity.providers import make_provider

    return make_provider(sign_in, clock)


def _make_ports(
    chosen: Settings, sources: Sources, checks: http_api.Probes, visitors: VisitorSignIn
) -> http_api.Ports:
    service, cluster = sources.service, sources.cluster
    return http_api.Ports(
        previews=ServiceClient(
            service,
            functools.partial(_find_problem, chosen),
            confirm=sources.confirm,
            access=Access(chosen.access),
            has_sign_in=chosen.has_sign_in,
        ),
        jobs=Jobs(service),
        schedules=Schedules(service),
        gates=Gates(service),
        stacks=Stacks(service),
        refs=sources.refs,
        sandboxes=sources.sandboxes,
        agents=MesosState(
            lambda: cluster.master, chosen.credential(), authority=chosen.master_ca_file
        ),
        ready=lambda: health.why_not(checks.ready()),
        report=service.inbox.put,
        is_log_kept=sources.sandboxes.has,
        hooks=sources.hooks,
        notifications=sources.notifications,
        passes=PassWriter(derive_pass_key(chosen.signing()[0]), chosen.domain, chosen.addresses()),
        visitors=visitors,
        forge=make_forge_ports(sources.forges, sources.find_ref_problem),
        note_proxy=lambda address: service.control_plane.note((address,)),
        images=chosen.base_images(),
    )


def _make_visitors(
    chosen: Settings, provider: IdentityProvider | None, clock: Clock
) -> VisitorSignIn:
    where = f"visitors at {chosen.sign_in} {chosen.sign_in_url}"
    terms = Terms(
        seals.derive_key(chosen.token(), where),
        chosen.addresses().signed_in_url(),
        trusts_proxy=chosen.sign_in == "proxy",
        now=clock.now,
        new_secret=functools.partial(token_urlsafe, 32),
    )
    return VisitorSignIn(provider, terms)


def make_forge_ports(
    forges: Forges, find_ref_problem: Callable[[AppRecord, str], str]
) -> ForgePorts:
    """Return what sets up the way to forges; `find_ref_problem` is as RemoteRefs.find_problem."""

    def check_forge(
        app: AppRecord, token: str, webhook: Webhook, known: RepositoryRecord | None
    ) -> Sequence[Finding]:
        client = forges.of(app, token)
        if client is None:
            return explain_none(app)
        hooks = client.find_hooks()
        find_problem = functools.partial(find_ref_problem, app)
        return check(Connection(app, bool(token), client, hooks, webhook, find_problem, known))

    return ForgePorts(check_forge, functools.partial(_enter_hook, forges), registry.takes_secret)


def _enter_hook(forges: Forges, app: AppRecord, token: str, webhook: Webhook) -> EnteredHook:
    client = forges.of(app, token)
    hooks = client.find_hooks() if client else None
    if hooks is None:
        return EnteredHook("by hand", "prevs cannot enter it at this forge itself.")
    if not token:
        return EnteredHook(
            "by hand",
            f"{app.name} has no token for its forge.",
            f"With one, prevs enters it itself: `prevs forge set {app.name}`. {hooks.rights}",
        )
    return webhooks.enter(hooks, webhook.url, webhook.secret)


def _make_admission(
    chosen: Settings, service: Service, operator: str, clock: Clock
) -> http_api.Admission:
    """Return who may do what; `operator` is the operator's token."""
    new_secret = functools.partial(token_urlsafe, 32)
    return http_api.Admission(
        ServiceTokens(
            service,
            operator,
            new_secret,
            proxies=chosen.proxy_tokens(),
            provider=f"{chosen.sign_in} {chosen.sign_in_url}",
            now=clock.now,
        ),
        http_api.Audit(chosen.dir, clock.now, functools.partial(token_hex, 6)),
        http_api.ClientSignature(operator, clock.now),
        clock.monotonic,
    )


def judge_proxies(
    tokens: Sequence[str], *, own: Sequence[str] = (), identities: Sequence[str] = ()
) -> Check:
    """Return a check whether proxies have a token and an identity that allow them less than all.

    `tokens` and `identities` (in ZooKeeper) are the proxies', `own` the frameworks' identities.
    """
    lacks = []
    if not tokens:
        lacks.append(
            "They have the operator's token, which may do everything: PREVS_PROXY_TOKEN_FILE is "
            "not set."
        )
    if own and not identities:
        lacks.append(
            "They have the frameworks' identity in ZooKeeper, which may change everything there: "
            "PREVS_PROXY_ZOOKEEPER_AUTH_FILE is not set."
        )
    detail = " ".join(lacks) or "They have a token of their own."
    return Check("proxies", not lacks, detail, needed=False)


def find_local(chosen: Settings, apps: Iterable[AppRecord]) -> list[str]:
    """Return the apps whose repository is on this machine, although the settings forbid that."""
    if chosen.local_repositories:
        return []
    return sorted(app.name for app in apps if repository_url.is_local(app.repository))


def warn_of_local(chosen: Settings, apps: Iterable[AppRecord]) -> None:
    """Log which apps have a repository on this machine, although the settings forbid that."""
    if local := find_local(chosen, apps):
        log.warning(
            "apps have repositories on this machine, which no new app may have; they continue "
            "to work; PREVS_LOCAL_REPOSITORIES=yes allows it",
            apps=",".join(local),
        )


def _find_problem(chosen: Settings, repository: str) -> str | None:
    if repository_url.is_local(repository) and not chosen.local_repositories:
        return (
            "is on the machine that reads it, which PREVS_LOCAL_REPOSITORIES does not allow: "
            "name a server that other machines reach too, or ask the operator to set that to yes"
        )
    return repository_url.find_own_problem(repository, chosen.dir)


def _readiness(chosen: Settings, service: Service, cluster: MesosCluster) -> tuple[Check, ...]:
    """Return the service's checks, with the driver's problem in the one of Mesos."""
    why = cluster.problem
    checks = tuple(
        check._replace(detail=f"{check.detail} ({why})")
        if why and check.name == "mesos" and not check.ok
        else check
        for check in service.readiness()
    )
    # Only the count: /readyz needs no token. `prevs doctor` names the apps.
    if count := len(find_local(chosen, service.snapshot.apps.values())):
        detail = (
            f"{count} of the apps have a repository on this machine, which no new app may have."
        )
        checks = (*checks, Check("local-repositories", False, detail, needed=False))
    proxies = judge_proxies(
        chosen.proxy_tokens(), own=chosen.identities(), identities=chosen.proxy_identities()
    )
    return (*checks, proxies)
