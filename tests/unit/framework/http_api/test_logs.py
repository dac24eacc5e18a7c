import pytest

from prevs.states import State
from tests.fakes.asgi import ApiInProcess, problems, refusal

SHA = "a" * 40
LOG = f"/v1/previews/hello/{SHA}/log"
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    api.previews.put("hello", SHA, State.RUNNING, task_id="t1")
    return api


@pytest.mark.parametrize(
    ("output", "offset", "state", "text", "after"),
    [
        pytest.param("héllo\n".encode(), 0, State.RUNNING, "héllo\n", 7, id="all of it"),
        pytest.param("héllo\n".encode(), 3, State.RUNNING, "llo\n", 7, id="from a byte on"),
        pytest.param("héllo\n".encode(), 7, State.RUNNING, "", 7, id="nothing more yet"),
        pytest.param(b"h\xc3", 0, State.RUNNING, "h", 1, id="half a character waits"),
        pytest.param(b"h\xc3", 0, State.FAILED, "h\ufffd", 2, id="which never becomes whole"),
        pytest.param(b"\xe9 \x00 n\n", 0, State.RUNNING, "\ufffd \x00 n\n", 6, id="no UTF-8"),
        pytest.param(b"of the last attempt", 0, State.QUEUED, "", 0, id="before the next attempt"),
    ],
)
def test_a_log_is_text_with_the_offset_to_go_on_at(
    api: ApiInProcess, output: bytes, offset: int, state: State, text: str, after: int
) -> None:
    api.sandboxes.output["t1"] = output
    api.previews.change("hello", SHA, state=state)
    answer = api.call("GET", f"{LOG}?offset={offset}")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["X-Next-Offset"] == str(after)


def test_a_long_log_comes_in_pieces_of_a_megabyte(api: ApiInProcess) -> None:
    whole = b"0123456789abcde\n" * 100_000
    api.sandboxes.output["t1"] = whole
    first = api.call("GET", LOG)
    assert int(first.headers["X-Next-Offset"]) == len(first.content) == 1024 * 1024
    rest = api.call("GET", f"{LOG}?offset={len(first.content)}")
    assert first.content + rest.content == whole


def test_the_last_lines_are_returned_without_the_rest(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"0123456789abcde\n" * 100_000
    answer = api.call("GET", f"{LOG}?tail=true")
    assert answer.status_code == 200
    assert answer.text == "0123456789abcde\n" * 255


def test_an_agent_that_does_not_answer_or_refuses_is_reported(api: ApiInProcess) -> None:
    api.sandboxes.away = True
    assert refusal(api.call("GET", LOG)) == (503, "unavailable")
    api.sandboxes.refuses = True
    answer = api.call("GET", f"{LOG}?tail=true")
    assert (answer.status_code, "PREVS_AGENTS_PRINCIPAL" in answer.text) == (200, True)


@pytest.mark.parametrize("offset", ["-1", "x", "1.5"])
def test_an_invalid_offset_is_refused(api: ApiInProcess, offset: str) -> None:
    answer = api.call("GET", f"{LOG}?offset={offset}")
    assert list(problems(answer)) == ["offset"]


@pytest.mark.parametrize(
    ("query", "headers", "event"),
    [
        ("", {}, 'id: 8\ndata: "one\\ntwo\\n"'),
        ("", {"Last-Event-ID": "4"}, 'id: 8\ndata: "two\\n"'),
        ("?offset=4", {}, 'id: 8\ndata: "two\\n"'),
    ],
)
def test_a_client_that_accepts_events_gets_them(
    api: ApiInProcess, query: str, headers: dict[str, str], event: str
) -> None:
    api.sandboxes.output["t1"] = b"one\ntwo\n"
    api.previews.change("hello", SHA, state=State.STOPPED)
    answer = api.call("GET", LOG + query, headers={**EVENTS, **headers})
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert f"event: log\n{event}\n\n" in answer.text


def test_events_of_no_preview_are_a_problem_and_no_stream(api: ApiInProcess) -> None:
    answer = api.call("GET", LOG.replace(SHA, "b" * 40), headers=EVENTS)
    assert refusal(answer) == (404, "unknown-preview")
