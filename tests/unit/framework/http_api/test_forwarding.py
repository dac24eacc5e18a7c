"""How a stand-by forwards requests, to a leader that the test plays."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from framework.http_api.admission.client_signature import ClientSignature
from framework.http_api.admission.clients import FORWARDED, Client, ClientAddress
from framework.http_api.forwarding import Forwarding
from tests.fakes.asgi import HOST, AsgiClient, send_raw
from tests.fakes.played_leader import API, PlayedLeader

SIGNATURE = ClientSignature("a-token-for-tests", lambda: 1000.0)


def send(leader: PlayedLeader, *body: bytes, api: str | None = API, **request: Any) -> AsgiClient:
    """Return a client that has sent a request to a stand-by, and has its answer."""
    return send_raw(Forwarding(lambda: api, SIGNATURE, leader), *body, **request)


def forward(client: AsgiClient, forwarding: Forwarding, **request: Any) -> None:
    """Forward a client's request; it is answered, or the client leaves, within ten seconds."""
    asyncio.run(asyncio.wait_for(client.send(forwarding, **request), 10))


@pytest.mark.parametrize("path", [b"*", b"http://elsewhere/v1/apps", b"/v1/\xff"])
def test_an_invalid_path_is_a_problem_and_not_forwarded(path: bytes) -> None:
    leader = PlayedLeader()
    client = send(leader, method="OPTIONS", path=path)
    assert client.status == 422
    assert client.problem["detail"] == "No such path can exist."
    assert leader.received == []


def test_a_request_reaches_the_leader_as_it_was_sent() -> None:
    leader = PlayedLeader()
    sent = [
        HOST,
        (b"authorization", b"Bearer t"),
        (b"content-length", b"6"),
        (b"x-twice", b"1"),
        (b"x-twice", b"2"),
    ]
    send(leader, b"abc", b"def", method="POST", path=b"/v1/a%2Fb", query=b"x=1&y", headers=sent)
    (received,) = leader.received
    assert (received.method, received.content) == ("POST", b"abcdef")
    assert (received.url.host, received.url.port, received.url.raw_path) == (
        "127.0.0.9",
        8090,
        b"/v1/a%2Fb?x=1&y",
    )
    assert received.headers.multi_items() == [
        *((name.decode(), value.decode()) for name, value in sent),
        (FORWARDED.decode(), SIGNATURE.sign("unknown", "POST", b"/v1/a%2Fb").decode()),
    ]


def test_the_leader_knows_the_address_of_a_stand_bys_client() -> None:
    seen: list[Client] = []

    async def lead(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"]["client"])
        await Response()(scope, receive, send)

    async def run() -> None:
        leader = httpx.ASGITransport(ClientAddress(lead, SIGNATURE), client=("10.0.0.5", 1))
        transport = httpx.ASGITransport(
            Forwarding(lambda: API, SIGNATURE, leader), client=("10.9.8.7", 1)
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://prevs") as client:
            await client.get("/v1/apps/gr%C3%B6%C3%9Fe%2F?x=%41&y")
        # A client may quote less of a path than httpx does.
        forwarding = Forwarding(lambda: API, SIGNATURE, leader)
        await AsgiClient().send(forwarding, path=b"/v1/apps/{a}", client=("10.9.8.7", 1))

    asyncio.run(run())
    assert [str(client) for client in seen] == ["10.9.8.7 via 10.0.0.5"] * 2


def test_hop_by_hop_headers_are_not_forwarded() -> None:
    leader = PlayedLeader(b"ok")
    leader.headers = [(b"Connection", b"close"), (b"Keep-Alive", b"5"), (b"ETag", b"e")]
    sent = [HOST, (b"connection", b"X-Mine, close"), (b"x-mine", b"1"), (b"te", b"trailers")]
    client = send(leader, headers=sent)
    assert set(leader.received[0].headers) == {"host", FORWARDED.decode()}
    assert client.headers == {b"etag": b"e"}


def test_an_answer_reaches_the_client_as_it_was_given() -> None:
    leader = PlayedLeader(b"\x1f\x8b", b"zipped")
    leader.status = 404
    leader.headers = [(b"Content-Encoding", b"gzip"), (b"Location", b"/v1/x")]
    client = send(leader)
    assert (client.status, client.body) == (404, b"\x1f\x8bzipped")
    assert client.headers == {b"content-encoding": b"gzip", b"location": b"/v1/x"}
    assert client.sent[-1].get("more_body", False) is False
    assert leader.body.closed


@pytest.mark.parametrize("api", [None, API])
def test_a_request_is_forwarded_once_and_only_to_a_leader(api: str | None) -> None:
    leader = PlayedLeader()
    headers = [HOST] if api is None else [HOST, (FORWARDED, b"1")]
    client = send(leader, api=api, headers=headers)
    assert leader.received == []
    assert (client.status, client.problem["type"]) == (503, "urn:prevs:problem:unavailable")
    assert int(client.headers[b"retry-after"]) > 0
    assert "No framework leads now" in client.problem["detail"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ConnectError("refused"), "nothing was done"),
        (httpx.ConnectTimeout("away"), "nothing was done"),
        (httpx.ReadError("reset"), "may have done this"),
        (httpx.RemoteProtocolError("closed"), "may have done this"),
        (httpx.ReadTimeout("silent"), "may have done this"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unreachable_leader_is_a_problem_and_nothing_is_sent_twice(
    error: Exception, message: str, method: str
) -> None:
    leader = PlayedLeader()
    leader.error = error
    client = send(leader, method=method)
    assert client.status == 503
    assert message in client.problem["detail"]
    assert b"retry-after" in client.headers
    assert len(leader.received) == 1


def test_an_answer_comes_piece_by_piece() -> None:
    client = AsgiClient()

    async def go(number: int) -> None:
        if number == 1:  # the second piece is made when the first has arrived
            await client.got.wait()

    forward(client, Forwarding(lambda: API, SIGNATURE, PlayedLeader(b"one", b"two", go=go)))
    assert [message.get("body") for message in client.sent[1:]] == [b"one", b"two", b""]


def test_a_client_that_leaves_ends_the_leaders_answer() -> None:
    client = AsgiClient()

    async def go(number: int) -> None:
        if number == 1:
            client.leave()
            await asyncio.Event().wait()

    leader = PlayedLeader(b"one", b"never", go=go)
    forward(client, Forwarding(lambda: API, SIGNATURE, leader))
    assert client.body == b"one"
    assert leader.body.closed


@pytest.mark.parametrize("body", [(), (b"abc", b"def")])
def test_a_client_that_leaves_does_not_wait_for_a_leader_that_hangs(
    body: tuple[bytes, ...],
) -> None:
    client, leader = AsgiClient(*body), PlayedLeader()
    leader.hangs = client.leave
    headers = [HOST, (b"content-length", b"6")] if body else [HOST]
    forward(client, Forwarding(lambda: API, SIGNATURE, leader), method="POST", headers=headers)
    assert client.sent == []
    assert leader.received[0].content == b"".join(body)


@pytest.mark.parametrize("successor", [None, "http://127.0.0.8:8090"])
def test_a_leader_that_hangs_is_waited_for_only_while_it_leads(successor: str | None) -> None:
    client, leader, hung = AsgiClient(), PlayedLeader(), asyncio.Event()
    leader.hangs = hung.set

    async def pause(_: float) -> None:
        await hung.wait()

    leaders = iter([API, API])
    forwarding = Forwarding(lambda: next(leaders, successor), SIGNATURE, leader, pause)
    forward(client, forwarding, method="POST")
    assert client.status == 503
    assert "may have done this" in client.problem["detail"]


def test_an_answer_of_a_hanging_leader_ends_when_another_one_leads() -> None:
    client = AsgiClient()

    async def go(number: int) -> None:
        if number == 1:
            await asyncio.Event().wait()

    async def pause(_: float) -> None:
        await client.got.wait()

    leader = PlayedLeader(b"one", b"never", go=go)
    leaders = iter([API, API])
    forward(client, Forwarding(lambda: next(leaders, None), SIGNATURE, leader, pause))
    assert client.body == b"one"
    assert client.sent[-1]["more_body"] is True
    assert leader.body.closed


def test_an_interrupted_answer_has_no_end_marker() -> None:
    client = send(PlayedLeader(b"one", httpx.ReadError("gone")))
    assert client.body == b"one"
    assert client.sent[-1]["more_body"] is True
