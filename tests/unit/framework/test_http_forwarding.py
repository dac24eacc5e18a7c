"""A stand-by's answers, with a leader that a test plays."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api import Standby, Switch
from framework.http_api.clients import FORWARDED, Client, Clients
from framework.http_api.forwarding import Forwarding
from framework.http_api.vouching import Vouching
from program.health import Check

API = "http://127.0.0.9:8090"
VOUCHING = Vouching("a-token-for-tests", lambda: 1000.0)
HOST = (b"host", b"prevs.example.org")


class Chunks(httpx.AsyncByteStream):
    """A body that comes piece by piece, each when `go` allows the next."""

    def __init__(self, pieces: Sequence[bytes | Exception], go: Callable[[int], Any]) -> None:
        self._pieces = pieces
        self._go = go
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, piece in enumerate(self._pieces):
            await self._go(number)
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


async def at_once(number: int) -> None:
    del number


class PlayedLeader(httpx.AsyncBaseTransport):
    """Answers as told, and keeps what it was asked."""

    def __init__(self, *pieces: bytes | Exception, go: Callable[[int], Any] = at_once) -> None:
        self.asked: list[httpx.Request] = []
        self.was_asked = asyncio.Event()
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = Chunks(pieces, go)
        self.error: Exception | None = None
        self.hangs = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.asked.append(request)
        self.was_asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return httpx.Response(self.status, headers=self.headers, stream=self.body)


class Asker:
    """One HTTP client of an ASGI application; it stays until `leave`."""

    def __init__(self, *body: bytes) -> None:
        self.sent: list[Message] = []
        self._body = list(body) or [b""]
        self._left = asyncio.Event()
        self.got = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def ask(
        self,
        app: ASGIApp,
        method: str = "GET",
        path: bytes = b"/v1/apps",
        query: bytes = b"",
        headers: Sequence[tuple[bytes, bytes]] = (HOST,),
        client: tuple[str, int] | None = None,
    ) -> None:
        scope = {
            "client": client,
            "type": "http",
            "method": method,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": list(headers),
        }
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._body:
            piece = self._body.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._body)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.got.set()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers[b"content-type"] == b"application/problem+json"
        told: dict[str, Any] = json.loads(self.body)
        return told


def ask(leader: PlayedLeader, *body: bytes, api: str | None = API, **request: Any) -> Asker:
    """Return a client that has asked a stand-by, and was answered."""

    async def run() -> Asker:
        client = Asker(*body)
        await client.ask(Forwarding(lambda: api, VOUCHING, leader), **request)
        return client

    return asyncio.run(run())


@pytest.mark.parametrize("path", [b"*", b"http://elsewhere/v1/apps", b"/v1/\xff"])
def test_a_path_that_is_none_is_told_and_not_passed_on(path: bytes) -> None:
    leader = PlayedLeader()
    client = ask(leader, method="OPTIONS", path=path)
    assert client.status == 422
    assert client.problem["detail"] == "There can be no such path."
    assert leader.asked == []


def test_a_request_reaches_the_leader_as_it_was_sent() -> None:
    leader = PlayedLeader()
    sent = [
        HOST,
        (b"authorization", b"Bearer t"),
        (b"content-length", b"6"),
        (b"x-twice", b"1"),
        (b"x-twice", b"2"),
    ]
    ask(leader, b"abc", b"def", method="POST", path=b"/v1/a%2Fb", query=b"x=1&y", headers=sent)
    (asked,) = leader.asked
    assert (asked.method, asked.content) == ("POST", b"abcdef")
    assert (asked.url.host, asked.url.port, asked.url.raw_path) == (
        "127.0.0.9",
        8090,
        b"/v1/a%2Fb?x=1&y",
    )
    assert asked.headers.multi_items() == [
        *((name.decode(), value.decode()) for name, value in sent),
        (FORWARDED.decode(), VOUCHING.vouch("unknown", "POST", b"/v1/a%2Fb").decode()),
    ]


def test_the_leader_knows_who_asked_the_stand_by() -> None:
    seen: list[Client] = []

    async def lead(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"]["client"])
        await Response()(scope, receive, send)

    async def run() -> None:
        leader = httpx.ASGITransport(Clients(lead, VOUCHING), client=("10.0.0.5", 1))
        asks = httpx.ASGITransport(
            Forwarding(lambda: API, VOUCHING, leader), client=("10.9.8.7", 1)
        )
        async with httpx.AsyncClient(transport=asks, base_url="http://prevs") as client:
            await client.get("/v1/apps/gr%C3%B6%C3%9Fe%2F?x=%41&y")
        # As a program may send it that quotes less than the one that passes it on.
        forwarding = Forwarding(lambda: API, VOUCHING, leader)
        await Asker().ask(forwarding, path=b"/v1/apps/{a}", client=("10.9.8.7", 1))

    asyncio.run(run())
    assert [str(client) for client in seen] == ["10.9.8.7 via 10.0.0.5"] * 2


def test_what_was_said_to_this_neighbour_only_goes_no_further() -> None:
    leader = PlayedLeader(b"ok")
    leader.headers = [(b"Connection", b"close"), (b"Keep-Alive", b"5"), (b"ETag", b"e")]
    sent = [HOST, (b"connection", b"X-Mine, close"), (b"x-mine", b"1"), (b"te", b"trailers")]
    client = ask(leader, headers=sent)
    assert set(leader.asked[0].headers) == {"host", FORWARDED.decode()}
    assert client.headers == {b"etag": b"e"}


def test_an_answer_reaches_the_client_as_it_was_given() -> None:
    leader = PlayedLeader(b"\x1f\x8b", b"zipped")
    leader.status = 404
    leader.headers = [(b"Content-Encoding", b"gzip"), (b"Location", b"/v1/x")]
    client = ask(leader)
    assert (client.status, client.body) == (404, b"\x1f\x8bzipped")
    assert client.headers == {b"content-encoding": b"gzip", b"location": b"/v1/x"}
    assert client.sent[-1].get("more_body", False) is False
    assert leader.body.closed


@pytest.mark.parametrize("api", [None, API])
def test_a_request_is_forwarded_once_and_only_to_a_leader(api: str | None) -> None:
    leader = PlayedLeader()
    headers = [HOST] if api is None else [HOST, (FORWARDED, b"1")]
    client = ask(leader, api=api, headers=headers)
    assert leader.asked == []
    assert (client.status, client.problem["type"]) == (503, "urn:prevs:problem:unavailable")
    assert int(client.headers[b"retry-after"]) > 0
    assert "No framework leads now" in client.problem["detail"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectError("refused"), "nothing was done"),
        (httpx.ConnectTimeout("away"), "nothing was done"),
        (httpx.ReadError("reset"), "may have done this"),
        (httpx.RemoteProtocolError("closed"), "may have done this"),
        (httpx.ReadTimeout("silent"), "may have done this"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_leader_that_is_away_is_told_and_nothing_is_sent_twice(
    error: Exception, said: str, method: str
) -> None:
    leader = PlayedLeader()
    leader.error = error
    client = ask(leader, method=method)
    assert client.status == 503
    assert said in client.problem["detail"]
    assert b"retry-after" in client.headers
    assert len(leader.asked) == 1


def test_an_answer_comes_piece_by_piece() -> None:
    async def run() -> None:
        client = Asker()

        async def go(number: int) -> None:
            if number == 1:  # the second piece is made when the first has arrived
                await asyncio.wait_for(client.got.wait(), 10)

        await client.ask(Forwarding(lambda: API, VOUCHING, PlayedLeader(b"one", b"two", go=go)))
        assert [message.get("body") for message in client.sent[1:]] == [b"one", b"two", b""]

    asyncio.run(run())


def test_a_client_that_leaves_ends_the_leaders_answer() -> None:
    async def run() -> None:
        client = Asker()

        async def go(number: int) -> None:
            if number == 1:
                client.leave()
                await asyncio.Event().wait()

        leader = PlayedLeader(b"one", b"never", go=go)
        await asyncio.wait_for(client.ask(Forwarding(lambda: API, VOUCHING, leader)), 10)
        assert client.body == b"one"
        assert leader.body.closed

    asyncio.run(run())


@pytest.mark.parametrize("body", [(), (b"abc", b"def")])
def test_a_client_that_leaves_is_not_waited_for_at_a_leader_that_hangs(
    body: tuple[bytes, ...],
) -> None:
    async def run() -> None:
        client, leader = Asker(*body), PlayedLeader()
        leader.hangs = True
        headers = [HOST, (b"content-length", b"6")] if body else [HOST]
        asking = asyncio.create_task(
            client.ask(Forwarding(lambda: API, VOUCHING, leader), "POST", headers=headers)
        )
        await asyncio.wait_for(leader.was_asked.wait(), 10)
        client.leave()
        await asyncio.wait_for(asking, 10)
        assert client.sent == []
        assert leader.asked[0].content == b"".join(body)

    asyncio.run(run())


@pytest.mark.parametrize("successor", [None, "http://127.0.0.8:8090"])
def test_a_leader_that_hangs_is_waited_for_only_while_it_leads(successor: str | None) -> None:
    async def run() -> Asker:
        client, leader = Asker(), PlayedLeader()
        leader.hangs = True

        async def pause(seconds: float) -> None:
            del seconds
            await leader.was_asked.wait()

        leaders = iter([API, API])
        forwarding = Forwarding(lambda: next(leaders, successor), VOUCHING, leader, pause)
        await asyncio.wait_for(client.ask(forwarding, "POST"), 10)
        return client

    client = asyncio.run(run())
    assert client.status == 503
    assert "may have done this" in client.problem["detail"]


def test_an_answer_of_one_that_hangs_ends_when_another_one_leads() -> None:
    async def run() -> None:
        client = Asker()

        async def go(number: int) -> None:
            if number == 1:
                await asyncio.Event().wait()

        async def pause(seconds: float) -> None:
            del seconds
            await client.got.wait()

        leader = PlayedLeader(b"one", b"never", go=go)
        leaders = iter([API, API])
        forwarding = Forwarding(lambda: next(leaders, None), VOUCHING, leader, pause)
        await asyncio.wait_for(client.ask(forwarding), 10)
        assert client.body == b"one"
        assert client.sent[-1]["more_body"] is True
        assert leader.body.closed

    asyncio.run(run())


def test_an_answer_that_breaks_off_has_no_end() -> None:
    client = ask(PlayedLeader(b"one", httpx.ReadError("gone")))
    assert client.body == b"one"
    assert client.sent[-1]["more_body"] is True


def standby(
    leader: str | None, trouble: str | None = None, played: PlayedLeader | None = None
) -> Standby:
    registry = CollectorRegistry()
    Gauge("prevs_leads", "", registry=registry).set(0)
    own = (Check("zookeeper", trouble is None, trouble or "It answers."),)
    transport = played or PlayedLeader()
    return Standby(lambda: leader, lambda: own, registry, vouching=VOUCHING, transport=transport)


def ask_app(app: ASGIApp, path: bytes) -> Asker:
    async def run() -> Asker:
        client = Asker()
        await client.ask(app, path=path)
        return client

    return asyncio.run(run())


def test_a_standby_is_ready_while_it_could_take_over_and_the_leader_answers() -> None:
    ready = ask_app(standby(API), b"/readyz")
    told = json.loads(ready.body)
    assert (ready.status, told["role"], told["leader"]) == (200, "standby", API)
    assert [(c["name"], c["ok"]) for c in told["checks"]] == [("zookeeper", True), ("leader", True)]
    assert "No framework leads" in ask_app(standby(None), b"/readyz").problem["detail"]
    alone = ask_app(standby(API, "ZooKeeper does not answer."), b"/readyz")
    assert (alone.status, alone.problem["detail"]) == (503, "ZooKeeper does not answer.")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ReadTimeout("silent"), "does not answer"),
        (None, "does not do its work"),
    ],
)
def test_a_standby_asks_the_leader_each_time_whether_it_is_there(
    error: Exception | None, said: str
) -> None:
    leader = PlayedLeader()
    asked = standby(API, played=leader)
    assert ask_app(asked, b"/readyz").status == 200
    leader.error, leader.status = error, 503
    left = ask_app(asked, b"/readyz")
    assert left.problem["detail"] == f"The framework that leads ({API}) {said}."
    assert [str(one.url) for one in leader.asked] == [f"{API}/healthz"] * 2


def test_a_standby_that_answers_is_not_started_again_for_what_others_lack() -> None:
    assert ask_app(standby(None, "ZooKeeper does not answer."), b"/healthz").status == 200


def test_a_standby_shows_its_own_numbers() -> None:
    assert b"prevs_leads 0.0" in ask_app(standby(API), b"/metrics").body


def test_all_else_is_the_leaders_to_answer() -> None:
    for path in (b"/v1/apps", b"/docs", b"/nowhere"):
        assert "No framework leads" in ask_app(standby(None), path).problem["detail"]


def test_the_one_that_answers_can_be_another_from_one_request_to_the_next() -> None:
    switch = Switch(standby(None))
    assert ask_app(switch, b"/readyz").status == 503
    switch.app = standby(API)
    assert ask_app(switch, b"/readyz").status == 200
