"""Rate limits of the API: for each named token, and for each address that sends invalid tokens.

The operator's token and those of proxies have no limit: a proxy sends requests for all its
visitors.
"""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api.admission.clients import Client
from framework.http_api.http import problems
from program.http.client_address import SITE_BITS, name_client
from program.limits.slots import Slots
from program.limits.token_buckets import Level, Policy, TokenBuckets

TOKENS = Policy("token", 600, 60)
OPEN = 200
"""Open requests of a named token. A stream stays open for hours, with a connection and a task."""
RETRY_OPEN_S = 10
FAILED_AUTH = Policy("stranger", 20, 60)


class TokenLimit:
    """Refuses requests of a named token that come too fast, or while too many others are open.

    Each answer has the headers of draft-ietf-httpapi-ratelimit-headers.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._buckets = TokenBuckets(TOKENS, clock)
        self._slots = Slots(OPEN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        identity = scope.get("state", {}).get("identity")
        if identity is None or not identity.is_limited:
            await self._app(scope, receive, send)
            return
        level = self._buckets.take(identity.name)
        limit_headers = _write_headers(TOKENS, level)

        async def send_with_limit(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(limit_headers)
            await send(message)

        if not level.allowed:
            sentence = (
                f"The token {identity.name!r} sent more than {TOKENS.quota} requests within "
                f"{TOKENS.window} s. Try again in {level.retry} s."
            )
            await refuse(level.retry, sentence)(scope, receive, send_with_limit)
            return
        with self._slots.take(identity.name) as has_one:
            answer = self._app if has_one else _refuse_open(identity.name)
            await answer(scope, receive, send_with_limit)


class FailedAuthLimit:
    """Counts invalid tokens by address. Belongs to the event loop's thread.

    A valid token is never refused because of invalid ones from the same address: nobody guesses 256
    random bits, and a proxy may share its address with anybody. The limit keeps somebody without a
    token from filling the audit log and the disk.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._buckets = TokenBuckets(FAILED_AUTH, clock)

    def take(self, client: Client) -> Level:
        """Count one invalid token of an address; an IPv6 network of 64 bits counts as one."""
        return self._buckets.take(name_client(client.address or f"via {client.via}", SITE_BITS))


def refuse(retry: int, sentence: str) -> problems.ProblemResponse:
    """Return the answer to a client over a limit; it may send again after `retry` seconds."""
    return problems.answer_problem(
        problems.TOO_MANY_REQUESTS, sentence, headers={"Retry-After": str(retry)}
    )


def _refuse_open(name: str) -> problems.ProblemResponse:
    sentence = (
        f"The token {name!r} has {OPEN} open requests, which is the limit. "
        "Close some streams, or give each program its own token."
    )
    return refuse(RETRY_OPEN_S, sentence)


def _write_headers(policy: Policy, level: Level) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.window}',
        "RateLimit": f'"{policy.name}";r={level.remaining};t={level.reset}',
    }
