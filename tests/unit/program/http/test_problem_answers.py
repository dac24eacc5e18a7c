import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from program.http.problem_answers import MEDIA_TYPE, Form, RewrittenProblems
from tests.fakes.asgi import fetch

PROBLEM = json.dumps({"detail": "There is no such app."})


def rewrite(status: int, problem: Mapping[str, Any]) -> Form:
    return Form(status + 1, {"content-type": "text/plain"}, str(problem["detail"])[::-1].encode())


def rewritten(answer: Response) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, receive, send)

    return RewrittenProblems(
        app, applies=lambda scope: Request(scope).url.path == "/ours", rewrite=rewrite
    )


def test_a_problem_is_said_in_the_other_form_to_whom_it_applies() -> None:
    app = rewritten(Response(PROBLEM, 404, {"Retry-After": "3"}, MEDIA_TYPE))
    answer = fetch(app, "GET", "/ours")
    assert (answer.status_code, answer.text) == (405, ".ppa hcus on si erehT")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Retry-After"] == "3"
    answer = fetch(app, "GET", "/other")
    assert (answer.status_code, answer.text) == (404, PROBLEM)


def test_a_problem_that_comes_in_pieces_is_read_whole() -> None:
    app = rewritten(StreamingResponse(iter(PROBLEM), 404, media_type=MEDIA_TYPE))
    assert fetch(app, "GET", "/ours").text == ".ppa hcus on si erehT"


def test_all_else_passes() -> None:
    answer = fetch(rewritten(PlainTextResponse("fine", 404)), "GET", "/ours")
    assert (answer.status_code, answer.text) == (404, "fine")
