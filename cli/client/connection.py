"""HTTP calls to the first API that can be reached. The only module that knows `requests`.

Several frameworks may run, each at its own address; any of them answers for the leader. A call goes
to the next address only if it cannot have reached the previous one, or if it only reads.
"""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from cli.client.credentials import Credentials
from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError, Failure, Problem

_LONGEST_HOLD = 60.0
_PROBLEM = "application/problem+json"
_TYPE_PREFIX = "urn:prevs:problem:"
_PIECE = 512
"""Bytes to read at a time from an answer that has neither chunks nor a length."""
FILE_PIECE = 64 * 1024
"""Bytes to read at a time from an answer that has a length."""


class _Bearer(AuthBase):
    """Puts the token into the header; an AuthBase, or ~/.netrc would override it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


Hold = Callable[[float], None]
"""Blocks for some seconds, in which the API accepts no calls."""


class Connection:
    """The API at its addresses. Not thread safe. Each call blocks, for `timeout` per address.

    `connect` is how many seconds an address may take to accept. A call that gets "too many
    requests" was not executed: it is sent again after `hold`, for a minute in all. Without `hold`
    it is not sent again.
    """

    def __init__(
        self, credentials: Credentials, connect: float = 5.0, hold: Hold | None = None
    ) -> None:
        self._connect = connect
        self._hold = hold
        self._auth = _Bearer(credentials.token)
        self._sessions = {address: self._open(address) for address in credentials.apis}
        self.address = credentials.apis[0]
        """The address of the last call; the next call tries it first."""

    def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            session.close()

    def call(self, method: str, path: str, *, timeout: float, **request: Any) -> requests.Response:
        """Return the answer, with a status of 2xx. `timeout` limits each silence, in seconds.

        Raises ApiUnreachable, ApiConfused or ApiRefused.
        """
        held = 0.0
        while True:
            try:
                return self._call(method, path, timeout, **request)
            except ApiRefused as exc:
                pause = exc.problem.retry_after
                if exc.problem.http_status != 429 or self._hold is None or pause is None:
                    raise
                if (held := held + pause) > _LONGEST_HOLD:
                    raise
                self._hold(pause)

    def _call(self, method: str, path: str, timeout: float, **request: Any) -> requests.Response:
        failures: list[Failure] = []
        for address in self._in_turn():
            self.address = address
            try:
                answer = self._sessions[address].request(
                    method,
                    address + path,
                    timeout=(self._connect, timeout),
                    allow_redirects=False,
                    **request,
                )
                if not 200 <= answer.status_code < 300:
                    raise _refusal(answer, address)
            except requests.RequestException as exc:
                failures.append(_read_failure(exc, address))
                if not (method == "GET" or _was_never_sent(exc)):
                    break
            else:
                return answer
        raise ApiUnreachable(*failures)

    def pieces(self, answer: requests.Response, size: int = _PIECE) -> Iterator[bytes]:
        """Yield an answer in pieces of at most `size` bytes, as they come. Raises ApiUnreachable.

        So does an answer that is shorter than it says. After an error the next call goes to the
        next address: this one may be gone.
        """
        try:
            yield from answer.iter_content(size)
        except requests.RequestException as exc:
            address, self.address = self.address, (*self._in_turn(), self.address)[1]
            raise ApiUnreachable(_read_failure(exc, address)) from exc

    def _open(self, address: str) -> requests.Session:
        session = open_session(address)
        session.auth = self._auth
        return session

    def _in_turn(self) -> Sequence[str]:
        addresses = list(self._sessions)
        begin = addresses.index(self.address)
        return addresses[begin:] + addresses[:begin]


class Fetched(NamedTuple):
    """The answer of any server at a URL; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: Any


def fetch(url: str, limit: float, headers: Mapping[str, str] | None = None) -> Fetched:
    """GET a URL without a token. Blocks, for `limit` seconds of silence.

    `content` is the JSON of the answer, None if it has none. Raises ApiUnreachable.
    """
    headers = {"Accept": "application/json", **(headers or {})}
    with open_session(url) as session:
        try:
            answer = session.get(url, headers=headers, timeout=limit, allow_redirects=False)
        except requests.RequestException as exc:
            raise ApiUnreachable(_read_failure(exc, url)) from exc
    try:
        content = answer.json()
    except ValueError:
        content = None
    return Fetched(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, content)


def open_session(address: str) -> requests.Session:
    """Return a session; for this machine's own addresses it ignores the environment's proxy."""
    session = requests.Session()
    host = urlsplit(address).hostname or ""
    session.trust_env = not (host == "localhost" or host.startswith(("127.", "::1")))
    return session


def _read_failure(exc: requests.RequestException, address: str) -> Failure:
    """Return why there was no answer. Raises ApiConfused if the address can never give one."""
    if isinstance(exc, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        raise ApiConfused(address, str(exc)) from exc
    if isinstance(exc, requests.exceptions.SSLError):
        return Failure(address, _read_tls(exc), is_tls=True)
    return Failure(
        address, "no answer in time" if isinstance(exc, requests.Timeout) else _describe(exc)
    )


def _read_tls(exc: BaseException) -> str:
    """Return why TLS failed at an address."""
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message.rstrip('.')})"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed ({(cause.reason or '').lower().replace('_', ' ')})"
    return "TLS failed"


def _was_never_sent(exc: requests.RequestException) -> bool:
    """Return whether there was no connection, so that nobody has received the request."""
    if isinstance(exc, requests.ConnectTimeout):
        return True
    # requests wraps urllib3's MaxRetryError, whose `reason` is what happened.
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _refusal(answer: requests.Response, address: str) -> CliError:
    if answer.headers.get("Content-Type", "").split(";")[0].strip() != _PROBLEM:
        return ApiConfused(address, f"{answer.status_code} {answer.reason}")
    try:
        fields = json.loads(answer.content)
        return ApiRefused(
            Problem(
                slug=str(fields["type"]).removeprefix(_TYPE_PREFIX),
                http_status=answer.status_code,
                title=str(fields.get("title", answer.reason)),
                detail=str(fields.get("detail") or fields["title"]),
                fields=fields,
                retry_after=_read_seconds(answer.headers.get("Retry-After", "")),
            )
        )
    except (ValueError, KeyError, TypeError):
        return ApiConfused(address, f"{answer.status_code} with a problem that cannot be read")


def _read_seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _describe(exc: BaseException) -> str:
    """Return the operating system's error text, without what the libraries add to it."""
    for cause in _causes(exc):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "the connection broke"


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes; requests hides some of them in arguments."""
    cause: BaseException | None = exc
    while cause is not None:
        yield cause
        inner = [one for one in cause.args if isinstance(one, BaseException)]
        reason = getattr(cause, "reason", None)
        inner += [reason] if isinstance(reason, BaseException) else []
        cause = inner[0] if inner else cause.__cause__ or cause.__context__
