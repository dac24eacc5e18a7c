"""What the waiting room works with, and how a request came here.

HAProxy says how, in headers that clients cannot send themselves: X-Prevs-Looks marks what must
start nothing; X-Prevs-Held is for how many seconds it was held, X-Prevs-Later in how many the
client may come again, and whose budget of starts is used up; X-Prevs-Refused is the task that took
no connection, and X-Prevs-Miss is absent where that was so for a second time.
"""

import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from starlette.requests import Request

from prevs import names
from program import same_origin
from proxy.framework.sources import Sources
from proxy.held.pending_starts import Waiting
from proxy.held.refused_tasks import Refusals
from proxy.held.start_limits import HELD_EACH, StartCap
from proxy.metrics import Metrics
from proxy.model.routes import Route
from proxy.pages.pages import Visit
from proxy.ports import Framework
from proxy.room import origin
from proxy.room.shown import Shown
from proxy.room.slots import Slots
from proxy.room.tokens import Tokens
from proxy.routing.routing_table import RoutingTable


class Parts(NamedTuple):
    """What the room works with."""

    framework: Framework
    table: RoutingTable
    refusals: Refusals
    waiting: Waiting
    tokens: Tokens
    shown: Shown
    sources: Sources
    cap: StartCap
    holds: Slots
    metrics: Metrics
    domain: str
    clock: Callable[[], float] = time.time


def make_parts(
    framework: Framework,
    table: RoutingTable,
    metrics: Metrics,
    *,
    proxy_id: str,
    tokens: Sequence[str],
    domain: str,
    connects: Callable[[Route], Awaitable[bool]],
    budgets: Mapping[str, int] = MappingProxyType({}),
) -> Parts:
    """Return the parts of a room.

    `tokens` are the proxies', `connects` as Refusals has it, `budgets` as StartCap: `held`
    is one more, how many requests of one client are held.

    In the end close `waiting`, `refusals` and `sources`.
    """

    def count_held(outcome: str) -> None:
        metrics.starts.labels("held", outcome).inc()

    refusals = Refusals(table, framework, proxy_id, connects=connects)
    waiting = Waiting(framework, table, domain, refusals=refusals, ended=count_held)
    sources = Sources(framework)
    metrics.followed.set_function(lambda: sources.count)
    return Parts(
        framework,
        table,
        refusals,
        waiting,
        Tokens(tokens),
        Shown(framework),
        sources,
        StartCap(budgets),
        Slots(sys.maxsize, budgets.get("held", HELD_EACH)),
        metrics,
        domain,
    )


def is_navigation(request: Request) -> bool:
    """Tell whether a browser asks for a page to show: what HAProxy does not hold."""
    headers = request.headers
    wants_html = any("text/html" in accepted for accepted in headers.getlist("accept"))
    navigates = "navigate" in headers.getlist("sec-fetch-mode")
    return request.method in {"GET", "HEAD"} and (navigates or wants_html)


def read_visit(parts: Parts, request: Request) -> Visit:
    """Return who looks at what, with a token for those who may start it."""
    host = origin.bare_host(request.headers.get("host", ""))
    label, app = names.split_host(host, parts.domain) or ("", "")
    if app:  # one name for both forms, as HAProxy has it
        host = names.host(label, app, parts.domain)
    may_start = app and "x-prevs-looks" not in request.headers
    return Visit(
        host=host,
        label=label,
        app=app,
        path=_read_path(request),
        nonce=secrets.token_urlsafe(16),
        token=parts.tokens.sign(host, parts.clock()) if may_start else "",
        refused=request.headers.get("x-prevs-refused", ""),
    )


def may_read(parts: Parts, visit: Visit, request: Request) -> bool:
    """Tell whether a request for a log or for events is of a page that was shown not long ago."""
    asked = request.query_params
    token, sha = asked.get("token", ""), asked.get("sha", "")
    return parts.tokens.is_valid_log(token, visit.host, sha, parts.clock())


def _read_path(request: Request) -> str:
    """Return the path and query as the visitor asked for them: a link to them must stay here."""
    path = request.scope["raw_path"].decode("latin-1")
    return same_origin.own_path(f"{path}?{request.url.query}" if request.url.query else path)
