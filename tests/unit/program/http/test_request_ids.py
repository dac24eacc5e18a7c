import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from program.http import request_ids
from program.http.request_ids import RequestIds


async def show(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the id that is bound, which the header has too."""
    request = Request(scope, receive)
    assert request.headers.getlist("x-request-id") == [request_ids.current()]
    headers = {"X-Request-Id": "another"}  # a leader's, where a stand-by passes its answer on
    await PlainTextResponse(str(request_ids.current()), headers=headers)(scope, receive, send)


def call(*given: bytes) -> tuple[list[bytes], bytes]:
    """Return the ids in the answer's head, and its body."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"x-request-id", value) for value in given]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(RequestIds(show, lambda: "made")(scope, receive, send))
    ids = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
    return ids, sent[1]["body"]


def test_a_request_is_answered_under_the_id_that_it_came_with() -> None:
    assert call(b"given-1") == ([b"given-1"], b"given-1")
    assert request_ids.current() is None


@pytest.mark.parametrize("given", [(), (b"",), (b"x" * 65,), (b'a" b',), (b"\xff",), (b"a", b"b")])
def test_a_request_without_a_valid_id_gets_one(given: tuple[bytes, ...]) -> None:
    assert call(*given) == ([b"made"], b"made")
