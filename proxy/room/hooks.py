"""Webhooks of forges, on their way to the framework: it knows the secrets, this proxy does not.

They come to any host that is no preview's. Nothing of one reaches a preview.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from prevs import hooks, names
from program.limits.slots import Slots
from program.limits.token_buckets import Policy, TokenBuckets
from proxy.model import problems
from proxy.model.problems import Problem
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import read_client, read_visit

AT_A_TIME, EACH = 32, 8
"""How many webhooks are read at a time, in all and of one client: their bodies are in memory."""
BODY_SECONDS = 10.0
"""How long a body may take."""
FORGED = Policy("forged", 60, 60)
"""How many refused webhooks of one client reach the framework."""
OF_STRANGERS = Policy("strangers", 600, 60)
"""How many of all clients that have never sent an authentic one."""
_KNOWN = 1000
_REFUSED = "hook-refused"


class Hooks:
    """The endpoint. Belongs to the event loop's thread.

    `elsewhere` answers on hosts of previews, where the path does not exist. `clock` gives monotonic
    seconds.
    """

    def __init__(
        self,
        context: RoomContext,
        *,
        elsewhere: Callable[[Request], Awaitable[Response]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._elsewhere = elsewhere
        self._slots = Slots(EACH, in_all=AT_A_TIME)
        self._forged = TokenBuckets(FORGED, clock)
        self._of_strangers = TokenBuckets(OF_STRANGERS, clock)
        self._known: OrderedDict[str, None] = OrderedDict()

    async def take(self, request: Request) -> Response:
        """Pass a webhook on, and answer as the framework does."""
        app = request.path_params["app"]
        if read_visit(self._context, request).app or not names.is_app_name(app):
            return await self._elsewhere(request)
        if request.method != "POST":
            refusal = responses.problem_json(problems.takes_only_hooks())
            refusal.headers["Allow"] = "POST"
            return refusal
        client = read_client(request)
        with self._slots.take(client) as has_one:
            if not has_one or self._is_exhausted(client):
                return responses.problem_json(problems.too_many_hooks())
            problem = await self._pass_on(app, request)
        if problem is None:
            self._know(client)
            return Response(status_code=202)
        if problem.slug == _REFUSED:
            self._forged.take(client)
            if client not in self._known:
                self._of_strangers.take("")
        return responses.problem_json(problem)

    def _is_exhausted(self, client: str) -> bool:
        """Return whether no more webhooks of a client may reach the framework for now."""
        is_stranger = client not in self._known
        return self._forged.is_empty(client) or (is_stranger and self._of_strangers.is_empty(""))

    def _know(self, client: str) -> None:
        self._known[client] = None
        self._known.move_to_end(client)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    async def _pass_on(self, app: str, request: Request) -> Problem | None:
        """Return why the framework did not take a webhook; None if it did."""
        body = await _read(request)
        if isinstance(body, Problem):
            return body
        sent = request.headers
        headers = {name: sent[name] for name in sent if hooks.is_passed_on(name)}
        if "authorization" in sent:
            headers[hooks.AUTHORIZATION] = sent["authorization"]
        call = self._context.framework.pass_on_hook(app, headers, body)
        return await responses.or_problem(call)


async def _read(request: Request) -> bytes | Problem:
    """Return the whole body, or why it is not taken."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > hooks.LONGEST:
        return problems.hook_too_large(hooks.LONGEST)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > hooks.LONGEST:
                    return problems.hook_too_large(hooks.LONGEST)
    except (TimeoutError, ClientDisconnect):
        return problems.hook_incomplete(BODY_SECONDS)
    return bytes(body)
