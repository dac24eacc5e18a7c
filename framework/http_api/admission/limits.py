"""How often the API may be asked: each named token, and each address with tokens that are none.

The operator's token and those of proxies have no limit: a proxy asks for all its visitors.
"""

from collections import Counter
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api.admission.buckets import Buckets, Level, Policy
from framework.http_api.admission.clients import Client
from framework.http_api.http import problems
from program.client_address import SITE_BITS, name_client

TOKENS = Policy("token", 600, 60)
OPEN = 200
"""Requests of a named token at a time: streams are read for hours, each a connection and a task."""
RETRY_OPEN_S = 10
STRANGERS = Policy("stranger", 20, 60)


class TokenLimit:
    """Refuses requests of a named token that come too fast, or while too many others stay open.

    Tells each how many more there may be.

    The headers are those of draft-ietf-httpapi-ratelimit-headers.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._buckets = Buckets(TOKENS, clock)
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        identity = scope.get("state", {}).get("identity")
        if identity is None or not identity.is_limited:
            await self._app(scope, receive, send)
            return
        level = self._buckets.take(identity.name)
        told = _tell(TOKENS, level)

        async def send_telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(told)
            await send(message)

        if not level.allowed:
            sentence = (
                f"The token {identity.name!r} has asked more than {TOKENS.quota} times within "
                f"{TOKENS.window} s. Ask again in {level.retry} s."
            )
            await refuse(level.retry, sentence)(scope, receive, send_telling)
        elif self._open[identity.name] >= OPEN:
            sentence = (
                f"The token {identity.name!r} has {OPEN} requests open, as many as it may. End "
                "some streams, or give each program a token of its own."
            )
            await refuse(RETRY_OPEN_S, sentence)(scope, receive, send_telling)
        else:
            await self._pass(identity.name, scope, receive, send_telling)

    async def _pass(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it until it ends."""
        self._open[name] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


class Strangers:
    """Counts who comes with a token that is none. Belongs to the event loop's thread.

    A right token is never refused for the wrong ones that come from its address: 256 random bits
    are not guessed, and a proxy may share its address with anybody. The limit keeps the audit log
    and the machine from being filled by somebody without a token.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._buckets = Buckets(STRANGERS, clock)

    def take(self, client: Client) -> Level:
        """Count one wrong token of an address; a network of 64 bits is one in IPv6."""
        return self._buckets.take(name_client(client.address or f"via {client.via}", SITE_BITS))


def refuse(retry: int, sentence: str) -> problems.ProblemResponse:
    """Return the answer to who asks too often; `retry` is in how many seconds it may again."""
    return problems.answer_problem(
        problems.TOO_MANY_REQUESTS, sentence, headers={"Retry-After": str(retry)}
    )


def _tell(policy: Policy, level: Level) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.window}',
        "RateLimit": f'"{policy.name}";r={level.remaining};t={level.reset}',
    }
