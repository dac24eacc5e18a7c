"""The checks of the API, of previews' addresses and ports, and of the settings."""

import contextlib
import email.utils
import functools
import importlib.metadata
import itertools
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from cli.client import credentials
from cli.client.api import Api
from cli.client.connection import Fetched, fetch
from cli.client.credentials import Credentials
from cli.client.generated.records import Preview, Queued
from cli.client.transport import Timeouts
from cli.doctor import judgements
from cli.doctor.addresses import Place, look_at_addresses, read_place
from cli.doctor.check_runner import Check, run
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.isolation import judge_isolation
from cli.errors import REACH_STEP, ApiRefused, ApiUnreachable

_ANSWER_SECONDS = 5.0
_TIMEOUTS = Timeouts(connect=3.0, answer=_ANSWER_SECONDS, fetch=20.0)
_FETCH_LIMIT = 30.0
_MOST_APPS = 50

T = TypeVar("T")

_CONNECT_SECONDS = 2.0
_MOST_TRIED = 4
"""How many agents are tried; what is closed answers nothing, so each takes all its time."""


def look_at_settings(known: Credentials, environ: Mapping[str, str]) -> list[Finding]:
    """Return whether the credentials are kept and sent safely."""
    found = []
    file = credentials.location(environ)
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        message = f"Other users of this machine can read the token in {file}."
        found.append(wrong("settings", message, f"Run `chmod 600 {file}`."))
    plain = [api for api in known.apis if api.startswith("http://") and not _is_here(api)]
    if plain:
        message = f"The token is sent to {plain[0]} without encryption."
        advice = "Put TLS in front of the API, and use its https:// address."
        found.append(warning("settings", message, advice))
    where = "PREVS_API" if environ.get("PREVS_API") else str(file)
    return found or [ok("settings", f"{where} names {', '.join(known.apis)}.")]


def framework_checks(known: Credentials, now: Callable[[], float]) -> list[Check]:
    """Return a check for each address of the API, and the check of the token."""
    numbered = len(known.apis) > 1
    checks = [
        Check(
            part := f"framework {number}" if numbered else "framework",
            functools.partial(_look_at_framework, part, api, known.token, now),
        )
        for number, api in enumerate(known.apis, 1)
    ]
    return [*checks, Check("token", functools.partial(_look_at_token, known))]


def cluster_checks(known: Credentials, now: Callable[[], float]) -> list[Check]:
    """Return the checks that need an API that answers and accepts the token."""
    return [
        Check("agents", lambda: _look_at_agents(known)),
        Check(
            "queue",
            lambda: judgements.judge_queue(_call(known, _queue), now()),
        ),
        Check("previews", lambda: judgements.judge_failed(_call(known, _failed))),
        Check("ports", lambda: look_at_ports(_call(known, _running))),
        Check("repositories", lambda: _look_at_repositories(known), _FETCH_LIMIT + 5),
        Check("forges", lambda: _look_at_forges(known), _FETCH_LIMIT + 5),
        Check(
            "gates",
            lambda: judgements.judge_gates(_call(known, lambda api: api.list_gates().found)),
        ),
        Check("signatures", lambda: _look_at_refused(known)),
        Check("addresses", lambda: _look_at_addresses(known), 30.0),
    ]


def _look_at_framework(
    part: str, api: str, token: str, now: Callable[[], float]
) -> Sequence[Finding]:
    # Without a token the answer has no addresses.
    own = {"Authorization": f"Bearer {token}"}
    try:
        answer = fetch(f"{api}/readyz", _ANSWER_SECONDS, own)
        if answer.status == 404:  # an older one
            answer = fetch(f"{api}/healthz", _ANSWER_SECONDS)
    except ApiUnreachable as exc:
        failure = exc.tried[0]
        advice = exc.hint if failure.is_tls else REACH_STEP
        return [wrong(part, f"{api} does not answer: {failure.why}.", advice)]
    probe = answer.content
    if not isinstance(probe, dict):
        advice = "Set PREVS_API to the API's address."
        return [wrong(part, f"The server at {api} is not the API of prevs.", advice)]
    version = probe.get("version")
    return [
        *judgements.judge_probe(part, probe, answer.status),
        *judgements.judge_version(part, version, importlib.metadata.version("prevs")),
        *judgements.judge_clock(part, _ahead(answer, now())),
    ]


def _ahead(answer: Fetched, now: float) -> float | None:
    """Return how many seconds the server's clock is ahead, None if unknown."""
    try:
        return email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp() - now
    except (KeyError, ValueError):
        return None


def _look_at_token(known: Credentials) -> Sequence[Finding]:
    try:
        _call(known, lambda api: api.list_tokens())
    except ApiUnreachable:
        return [skipped("token", "Not checked: the API does not answer.")]
    except ApiRefused as exc:
        problem = exc.problem
        if problem.slug != "forbidden":
            raise
        scope = problem.fields.get("scope", "")
        may = {
            "read": "it sees everything and changes nothing",
            "use": "it cannot change apps",
        }
        return [ok("token", f"It is accepted, and has the scope {scope}: {may.get(scope, '')}.")]
    return [ok("token", "It is accepted, and has the scope admin.")]


def _look_at_agents(known: Credentials) -> Sequence[Finding]:
    try:
        agents = _call(known, lambda api: api.list_agents().found)
    except ApiRefused as exc:
        if exc.problem.slug != "not-of-app":
            raise
        return [skipped("agents", "Not checked: a token for one app cannot list them.")]
    return [
        *judgements.judge_agents(agents, _call(known, lambda api: api.list_apps().found)),
        *judgements.describe_agents(agents),
        *judge_isolation(agents),
        judgements.lead_to_machines(known.apis[0]),
    ]


def _look_at_repositories(known: Credentials) -> Sequence[Finding]:
    apps = [app["name"] for app in _call(known, lambda api: api.list_apps().found)]
    if not apps:
        how = "`prevs app add NAME REPOSITORY` registers one."
        return [skipped("repositories", f"No app is registered. {how}")]
    looked = [
        Check(f"repository of {app}", functools.partial(_look_at_repository, known, app), 25.0)
        for app in apps[:_MOST_APPS]
    ]
    bad = [*_look_at_local(known), *itertools.chain(*run(looked))]
    if bad:
        return bad
    count = f"those of the first {_MOST_APPS} apps" if len(apps) > _MOST_APPS else "all of them"
    return [ok("repositories", f"The framework can read {count}.")]


def _look_at_local(known: Credentials) -> Sequence[Finding]:
    """Return the repositories on the framework's machine, if it reports that none are allowed."""
    for api in known.apis:
        with contextlib.suppress(ApiUnreachable):
            probe = fetch(f"{api}/readyz", _ANSWER_SECONDS).content
            checks = probe.get("checks", []) if isinstance(probe, dict) else []
            if any(one["name"] == judgements.LOCAL for one in checks):
                return judgements.judge_local(_call(known, lambda api: api.list_apps().found))
    return []


def _look_at_repository(known: Credentials, app: str) -> Sequence[Finding]:
    part = f"repository of {app}"
    answer = _call(known, lambda api: api.list_refs(app, limit=1).page)
    if why := str(answer.get("problem") or ""):
        advice = (
            "Previews use what was fetched before. "
            f"`prevs app set {app} --repository …` changes the address."
        )
        return [warning(part, why, advice)]
    return []


def _look_at_forges(known: Credentials) -> Sequence[Finding]:
    """Return what is wrong at the forges; nothing at all if no app follows pull requests."""
    apps = judgements.list_followed(_call(known, lambda api: api.list_apps().found))[:_MOST_APPS]
    looked = [
        Check(f"forge of {app}", functools.partial(_look_at_forge, known, app), 25.0)
        for app in apps
    ]
    bad = list(itertools.chain(*run(looked)))
    return bad or [judgements.describe_forges(len(apps))] * bool(apps)


def _look_at_forge(known: Credentials, app: str) -> Sequence[Finding]:
    return judgements.judge_forge(app, _call(known, lambda api: api.list_pulls(app)).page)


def _look_at_refused(known: Credentials) -> Sequence[Finding]:
    """Return the gates, stacks and accesses whose records nobody whom we trust has signed."""
    refused = _call(known, lambda api: api.list_refused())
    return [
        wrong(f"{one['kind']} {one['name']}", one["detail"], "docs/operating/tokens.md has more.")
        for one in refused[:_MOST_APPS]
    ]


def _look_at_addresses(known: Credentials) -> Sequence[Finding]:
    is_local = any(map(_is_here, known.apis))
    place = _call(known, _find_place)
    found = look_at_addresses(place, is_local=is_local)
    return [*found, judgements.judge_domain(place.domain, known.apis)] if place else found


def _find_place(api: Api) -> Place | None:
    for preview in api.list_previews().found:
        return read_place(preview["url"], preview["app"])
    for app in api.list_apps().found:
        for ref in api.list_refs(app["name"], limit=1).found:
            if ref["url"]:
                return read_place(ref["url"], app["name"])
    return None


def _queue(api: Api) -> list[Queued]:
    return api.show_queue().found


def _running(api: Api) -> list[Preview]:
    return api.list_previews(state="running").found


def _failed(api: Api) -> list[Preview]:
    return api.list_previews(state="failed").found


def _call(known: Credentials, question: Callable[[Api], T]) -> T:
    """Call the API over connections of its own, as checks run side by side."""
    api = Api(known, _TIMEOUTS)
    try:
        return question(api)
    finally:
        api.close()


def _is_here(api: str) -> bool:
    host = urlsplit(api).hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _accepts(host: str, port: int) -> bool:
    """Return whether a connection is accepted there. Blocks for two seconds at most."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), _CONNECT_SECONDS):
        return True
    return False


def look_at_ports(
    previews: Sequence[Preview], accepts: Callable[[str, int], bool] = _accepts
) -> list[Finding]:
    """Return at which agents previews answer this machine directly, past the proxies."""
    places: dict[str, int] = {}
    for preview in previews:
        agent, port = preview["agent"], preview["host_port"]
        if preview["state"] == "running" and agent and agent["host"] and port:
            places.setdefault(agent["host"], port)
    if not places:
        return [skipped("ports", "Not checked: no preview runs.")]
    tried = list(places.items())[:_MOST_TRIED]
    opened = [f"{host}:{port}" for host, port in tried if accepts(host, port)]
    if not opened:
        hosts = ", ".join(host for host, _ in tried)
        return [ok("ports", f"From this machine no preview is reached past the proxies ({hosts}).")]
    message = (
        f"This machine reaches previews past the proxies, at {', '.join(opened)}: nobody checks "
        "who may look there."
    )
    advice = (
        "If no proxy runs on this machine, and you are not root of the agent: executors have to "
        "set iptables rules there, as `executor.pyz doctor` on the agent shows "
        "(docs/operating/access.md)."
    )
    return [warning("ports", message, advice)]
