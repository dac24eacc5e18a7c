"""Reads a request: whose page it is for, and what the visitor may do.

X-Prevs-Host is the host whose preview it is for, also if the visitor asked a gate for it.
HAProxy describes a request in headers that clients cannot send themselves: X-Prevs-Looks marks a
request that must start nothing. X-Prevs-Held is for how many seconds it was held. X-Prevs-Later is
in how many seconds the client may come again, and whose budget of starts is used up.
X-Prevs-Refused is the task that refused its connection, and X-Prevs-Miss is absent if that happened
for the second time. X-Prevs-In marks a visitor with a valid pass, at the entrance.
"""

import secrets
from urllib.parse import parse_qs

from starlette.requests import Request

from prevs import names
from program.http import same_origin
from program.http.client_address import name_customer
from proxy.pages.pages import Visit
from proxy.room.context import RoomContext
from proxy.room.host_header import bare_host, name_site

_LONGEST_FORM = 8192


def is_navigation(request: Request) -> bool:
    """Return whether a browser navigates to a page; HAProxy does not hold such a request."""
    headers = request.headers
    wants_html = any("text/html" in accepted for accepted in headers.getlist("accept"))
    navigates = "navigate" in headers.getlist("sec-fetch-mode")
    return request.method in {"GET", "HEAD"} and (navigates or wants_html)


def read_client(request: Request) -> str:
    """Return the client whose slots a request takes."""
    return name_customer(request.headers.get("x-forwarded-for", ""))


def read_visit(context: RoomContext, request: Request) -> Visit:
    """Return which page a request is for, with a token if the visitor may start its preview."""
    site = name_site(bare_host(request.headers.get("host", "")), context.domain)
    # A request whose connection was refused twice has no such header.
    host = name_site(request.headers.get("x-prevs-host", site), context.domain)
    label, app = names.split_host(host, context.domain) or ("", "")
    may_start = app and "x-prevs-looks" not in request.headers
    return Visit(
        host=host,
        label=label,
        app=app,
        path=_read_path(request),
        nonce=secrets.token_urlsafe(16),
        token=context.tokens.sign(host, context.clock()) if may_start else "",
        refused=request.headers.get("x-prevs-refused", ""),
        site=site,
    )


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a small form; nothing of a large one."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


def may_read(context: RoomContext, visit: Visit, request: Request) -> bool:
    """Return whether a request for a log or for events has the token of a page shown lately."""
    query = request.query_params
    token, sha = query.get("token", ""), query.get("sha", "")
    return context.tokens.is_valid_log(token, visit.host, sha, context.clock())


def _read_path(request: Request) -> str:
    """Return the path and query as the visitor sent them; a link to them stays on this host."""
    path = request.scope["raw_path"].decode("latin-1")
    return same_origin.own_path(f"{path}?{request.url.query}" if request.url.query else path)
