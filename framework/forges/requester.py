"""Requests to the API of one forge, with the app's token, within limits."""

import contextlib
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from framework.clock import Clock
from framework.forges.rate_limits import DEFAULT_WAIT_S, Rate, find_wait, read_rate
from framework.ports.forge_errors import ForgeBusy, ForgeError, ForgeRefused, ForgeUnreachable
from program.http import outgoing
from program.http.outgoing import Limits, NoAnswer

_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_SAME_METHOD = (301, 307, 308)
"""The redirects that a change follows, as a change: GitHub sends them for a renamed repository. The
others lead to a page, for example to sign in."""
_NOT_TAKEN = (400, 409, 410, 413, 422)
"""The refusals of a change that are about what is sent, or about where."""
_LONGEST_HOST = 253
_MARK = re.compile(r'(W/)?"[!-~]{1,200}"', re.ASCII)
_TOTAL = re.compile(r"\d{1,9}", re.ASCII)
_SHORT = 16 * 1024
"""Bytes that are read of a refusal."""


Query = Mapping[str, str | int]
Body = Mapping[str, object]


class Subject(NamedTuple):
    """Whose requests these are, for messages.

    `rights` is what the token needs, as a sentence that names the page of the documentation.
    """

    app: str
    repository: str
    rights: str
    has_token: bool


class Answer(NamedTuple):
    """An answer. `has_more` means a next page; `total` is how many entries all pages have."""

    data: bytes
    mark: str = ""
    has_more: bool = False
    total: int | None = None
    unchanged: bool = False


class _Call(NamedTuple):
    """What is sent to a path below the API.

    `done` is the text of a refusal that means success, `failed` the text of a refusal that means a
    problem of the forge.
    """

    method: str
    path: str
    query: Query | None = None
    content: bytes | None = None
    done: bytes = b""
    failed: bytes = b""

    @property
    def redirects(self) -> Collection[int]:
        """The statuses that are followed."""
        return _REDIRECTS if self.method == "GET" else _SAME_METHOD


class Requester:
    """Requests to one forge. Thread safe. Redirects are followed within the forge's origin only."""

    def __init__(
        self,
        client: httpx.Client,
        api: str,
        subject: Subject,
        *,
        headers: Mapping[str, str],
        clock: Clock,
        limits: Limits,
    ) -> None:
        """`headers` have the token; `api` is the URL in front of all paths."""
        self.api = api
        self.repository = subject.repository
        """Its name at the forge: "group/shop"."""
        self.rate: Rate | None = None
        """What the last answer says of the rate limit."""
        self.clock_ahead: float | None = None
        """By how many seconds the forge's clock was ahead of ours, by the last answer's date."""
        self._client = client
        self._subject = subject
        self._headers = {"Accept": "application/json", "User-Agent": "prevs", **headers}
        self._clock = clock
        self._limits = limits
        self._busy_until = 0.0

    @property
    def lane(self) -> str:
        """A key that is equal for requests to one API with one token, without the token in it."""
        named = json.dumps([self.api, sorted(self._headers.items())])
        return hashlib.sha256(named.encode()).hexdigest()

    def get(self, path: str, query: Query | None = None, mark: str = "") -> Answer:
        """Return the answer to a GET of a path, which is quoted already.

        With a `mark`, the answer may be `unchanged`. Raises the errors of framework.ports.Forge.
        """
        headers = {**self._headers, "If-None-Match": mark} if mark else self._headers
        return self._send(_Call("GET", path, query), headers)

    def write(
        self,
        method: str,
        path: str,
        body: Body,
        *,
        is_form: bool = False,
        done: bytes = b"",
        failed: bytes = b"",
    ) -> Answer:
        """Return the answer to a request that changes something, with JSON or the fields of a form.

        The method is POST, PUT or PATCH. The path is quoted already. Raises as `get`: ForgeRefused
        with 400, 409, 410, 413 or 422 if the forge does not take what is sent. A refusal with
        `done` in its text is none; one with `failed` in it is ForgeUnreachable. After other errors,
        the change may have been made.
        """
        content = urlencode(body) if is_form else json.dumps(body)
        kind = "application/x-www-form-urlencoded" if is_form else "application/json"
        headers = {**self._headers, "Content-Type": kind}
        call = _Call(method, path, content=content.encode(), done=done, failed=failed)
        return self._send(call, headers)

    def _send(self, call: _Call, headers: Mapping[str, str]) -> Answer:
        wait = self._busy_until - self._clock.monotonic()
        if wait > 0:
            raise ForgeBusy(self.api, wait)
        try:
            url = httpx.URL(f"{self.api}{call.path}", params=call.query)
            return self._follow(call, url, headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = outgoing.explain(error, self._limits)
        except NoAnswer as error:
            why = error.why
        raise ForgeUnreachable(self.api, why)

    def _follow(self, call: _Call, url: httpx.URL, headers: Mapping[str, str]) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            with self._client.stream(
                call.method,
                url,
                headers=headers,
                content=call.content,
                timeout=self._limits.silence,
            ) as response:
                if response.status_code not in call.redirects:
                    return self._read(response, call, can_be_unchanged="If-None-Match" in headers)
                moved = url.join(response.headers.get("location", ""))
            if _origin(moved) != _origin(url) or moved.userinfo:
                raise ForgeUnreachable(
                    self.api,
                    f"redirects to another place, {moved.scheme}://{moved.host[:_LONGEST_HOST]}, "
                    "where the token must not go: give "
                    f"{self._subject.app!r} the new address of its repository",
                )
            url = moved
        raise ForgeUnreachable(self.api, "redirects again and again")

    def _read(self, response: httpx.Response, call: _Call, *, can_be_unchanged: bool) -> Answer:
        now, status = self._clock.now(), response.status_code
        self.rate = read_rate(response.headers, now) or self.rate
        self.clock_ahead = _read_ahead(response.headers, now)
        wait = find_wait(response.headers, now)
        if response.is_success or (status == httpx.codes.NOT_MODIFIED and can_be_unchanged):
            if wait is not None:
                self._rest(wait)
            if status == httpx.codes.NOT_MODIFIED:
                return Answer(b"", unchanged=True)
            return Answer(
                outgoing.read_body(response, self._limits, self._clock.monotonic),
                _read_mark(response.headers),
                "next" in response.links or bool(response.headers.get("x-next-page")),
                _read_total(response.headers),
            )
        if call.method != "GET" and wait is None and status in _NOT_TAKEN:
            said = self._read_beginning(response) if call.done or call.failed else b""
            if call.done and call.done in said:
                return Answer(b"")
            if call.failed and call.failed in said:
                raise ForgeUnreachable(self.api, "could not store what prevs has sent")
            raise ForgeRefused(self.api, status, *self._refuse(status))
        raise self._explain(response, wait)

    def _explain(self, response: httpx.Response, wait: float | None) -> ForgeError:
        """Return the error that an answer means."""
        status = response.status_code
        limits_rate = wait is not None or (
            # GitHub's second limit has no header of its own.
            status == httpx.codes.FORBIDDEN
            and b"rate limit" in self._read_beginning(response).lower()
        )
        if status == httpx.codes.TOO_MANY_REQUESTS or (
            status == httpx.codes.FORBIDDEN and limits_rate
        ):
            seconds = DEFAULT_WAIT_S if wait is None else wait
            self._rest(seconds)
            return ForgeBusy(self.api, seconds)
        if status in (401, 403, 404, 422):
            return ForgeRefused(self.api, status, *self._refuse(status))
        return ForgeUnreachable(self.api, f"answered with the status {status}")

    def _refuse(self, status: int) -> tuple[str, str]:
        """Return why the forge refuses, and the next step."""
        app, repository, rights, has_token = self._subject
        if not has_token and status != httpx.codes.NOT_FOUND:
            why = f"The forge at {self.api} does not answer this without a token."
            return why, f"`prevs forge set {app}` sets one. {rights}"
        if status == httpx.codes.UNAUTHORIZED:
            why = f"The forge at {self.api} does not accept the token of {app!r}."
            return why, f"If it has ended, give a new one to `prevs forge set {app}`. {rights}"
        if status == httpx.codes.FORBIDDEN:
            return f"The token of {app!r} may not do this at {self.api}.", rights
        if status == httpx.codes.GONE:
            why = f"The forge at {self.api} takes no comment there: they are locked or disabled."
            return why, "Unlock them at the forge; prevs says the next change."
        if status in _NOT_TAKEN:
            return f"The forge at {self.api} does not accept what prevs has sent.", rights
        unseen = "its token may not see it" if has_token else "only a token may see it"
        return (
            f"The forge at {self.api} has no such thing in {repository}, or {unseen}.",
            f"Compare the address of the repository (`prevs app show {app}`). {rights}",
        )

    def _read_beginning(self, response: httpx.Response) -> bytes:
        return outgoing.read_body(response, self._limits, self._clock.monotonic, cut_at=_SHORT)

    def _rest(self, seconds: float) -> None:
        self._busy_until = self._clock.monotonic() + seconds


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _read_mark(headers: Mapping[str, str]) -> str:
    """Return the ETag, "" for one that no request may send back."""
    mark = headers.get("etag", "")
    return mark if _MARK.fullmatch(mark) else ""


def _read_total(headers: Mapping[str, str]) -> int | None:
    """Return how many entries a list has: GitLab sends X-Total, Gitea X-Total-Count."""
    text = headers.get("x-total") or headers.get("x-total-count") or ""
    return int(text) if _TOTAL.fullmatch(text) else None


def _read_ahead(headers: Mapping[str, str], now: float) -> float | None:
    """Return by how many seconds the clock of the sender of an answer is ahead of `now`."""
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(headers.get("date", "")).timestamp() - now
    return None
