"""Idempotency-Key: the same order sent twice is done once, and gets the same answer twice.

This follows draft-ietf-httpapi-idempotency-key-header. Memory holds the answers by token, path and
key. A refusal is not kept: nothing was done, so the same key may be used again.
"""

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api.admission.calls import read_call
from framework.http_api.http import problems
from framework.http_api.http.problems import ProblemResponse

KEPT_S = 3600.0
MOST = 1000
"""How many answers are kept for all tokens together: a few megabytes."""

MALFORMED = "Idempotency-Key must be a text of 1 to 255 ASCII characters in double quotes."
_KEY = re.compile(r'"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([A-Za-z0-9_.:/+=-]{1,255})')

_Place = tuple[str, str, str]
"""The digest of the token, the path and the key of an order."""


class _Order(NamedTuple):
    """A request with a key; `fingerprint` is what it wants."""

    place: _Place
    fingerprint: bytes
    body: bytes


class _Known(NamedTuple):
    """An order that came before; `answer` is None while it is being done."""

    fingerprint: bytes
    since: float
    answer: tuple[Message, ...] | None


class Idempotency:
    """Repeats the answer to an order that it knows. `clock` gives monotonic seconds."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self._known: dict[_Place, _Known] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or repeat the answer that the same order got before."""
        key = _find_key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            order = await _read_order(key, scope, receive)
        except ClientDisconnect:
            return
        if isinstance(order, ProblemResponse):
            await order(scope, receive, send)
            return
        known = self._find(order.place)
        if known is None:
            await self._do(order, scope, _replay(order.body, receive), send)
        elif known.fingerprint != order.fingerprint:
            await _refuse_other()(scope, receive, send)
        elif known.answer is None:
            await _refuse_busy()(scope, receive, send)
        else:
            for message in known.answer:
                await send(message)

    def _find(self, place: _Place) -> _Known | None:
        now = self._clock()
        while self._known:
            oldest = next(iter(self._known))
            if now - self._known[oldest].since < KEPT_S and len(self._known) <= MOST:
                break
            del self._known[oldest]
        return self._known.get(place)

    async def _do(self, order: _Order, scope: Scope, receive: Receive, send: Send) -> None:
        place, begun = order.place, _Known(order.fingerprint, self._clock(), None)
        self._known[place] = begun
        answer: list[Message] = []

        async def send_keeping(message: Message) -> None:
            answer.append(message)
            await send(message)

        try:
            await self._app(scope, receive, send_keeping)
        finally:
            # `_find` may have dropped it meanwhile, for newer ones.
            if self._known.get(place) is begun:
                if answer and 200 <= answer[0]["status"] < 300:
                    self._known[place] = begun._replace(answer=tuple(answer))
                else:
                    del self._known[place]


def read_key(header: str) -> str | None:
    """Return the key in the header of an order; None if it is malformed."""
    read = _KEY.fullmatch(header)
    return (read[1] or read[2]) if read else None


def _find_key(scope: Scope) -> str | None:
    """Return the key of an order, if its operation takes one."""
    call = read_call(scope)
    if call is None or not call.operation.takes_key:
        return None
    return Headers(scope=scope).get("idempotency-key")


async def _read_order(key: str, scope: Scope, receive: Receive) -> _Order | ProblemResponse:
    """Return the order of a request, or why it is refused. Raises ClientDisconnect."""
    read = read_key(key)
    if read is None:
        return problems.answer_problem(problems.BAD_REQUEST, MALFORMED)
    try:
        body = await Request(scope, receive).body()
    except HTTPException as refusal:  # it is too large
        return problems.answer_problem(problems.BODY_TOO_LARGE, refusal.detail)
    place = (scope["state"]["digest"], scope["path"], read)
    return _Order(place, hashlib.sha256(scope["query_string"] + b"\0" + body).digest(), body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a Receive that gives `body`, which was read already, and then calls `receive`."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


def _refuse_other() -> ProblemResponse:
    return problems.answer_problem(
        problems.KEY_REUSED,
        "This Idempotency-Key came with another order before. Give each order its own key.",
    )


def _refuse_busy() -> ProblemResponse:
    return problems.answer_problem(
        problems.KEY_IN_USE,
        "The same order is being done right now. Try again in a second.",
        headers={"Retry-After": "1"},
    )
