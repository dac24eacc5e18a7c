import pytest

from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.asgi import ApiInProcess

SHA = "a" * 40
LOG = f"/v1/previews/hello/{SHA}/log"


@pytest.fixture
def api() -> ApiInProcess:
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    api.previews.put("hello", SHA, State.RUNNING, task_id="t1")
    return api


def test_a_log_is_text_with_the_offset_to_go_on_at(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = "héllo\n".encode()
    answer = api.call("GET", LOG)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("héllo\n", "7")
    answer = api.call("GET", f"{LOG}?offset=3")
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("llo\n", "7")
    answer = api.call("GET", f"{LOG}?offset=7")
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("", "7")


def test_a_character_that_is_not_whole_yet_is_left_for_the_next_call(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"h\xc3"
    answer = api.call("GET", LOG)
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("h", "1")


def test_a_character_that_never_becomes_whole_is_replaced(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"h\xc3"
    api.previews.change("hello", SHA, state=State.FAILED)
    answer = api.call("GET", LOG)
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("h\ufffd", "2")


def test_bytes_that_are_not_utf_8_cost_nothing_else(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"caf\xe9 \x00 noir\n"
    answer = api.call("GET", LOG)
    assert (answer.text, answer.headers["X-Next-Offset"]) == ("caf\ufffd \x00 noir\n", "12")


def test_a_long_log_comes_by_the_megabyte(api: ApiInProcess) -> None:
    whole = b"0123456789abcde\n" * 100_000
    api.sandboxes.output["t1"] = whole
    first = api.call("GET", LOG)
    assert int(first.headers["X-Next-Offset"]) == len(first.content) == 1024 * 1024
    rest = api.call("GET", f"{LOG}?offset={len(first.content)}")
    assert first.content + rest.content == whole


def test_the_last_lines_alone_are_had_without_the_rest(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"0123456789abcde\n" * 100_000
    answer = api.call("GET", f"{LOG}?tail=true")
    assert answer.status_code == 200
    assert answer.text.endswith("0123456789abcde\n")
    assert len(answer.text) < 10_000


def test_a_preview_that_waits_for_its_next_attempt_has_no_log(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"of the attempt before\n"
    api.previews.change("hello", SHA, state=State.QUEUED)
    answer = api.call("GET", LOG)
    assert (answer.status_code, answer.text) == (200, "")


def test_an_agent_that_does_not_answer_is_told(api: ApiInProcess) -> None:
    api.sandboxes.away = True
    answer = api.call("GET", LOG)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:prevs:problem:unavailable"


def test_the_end_of_a_log_that_nobody_may_read_is_why(api: ApiInProcess) -> None:
    api.sandboxes.refuses = True
    answer = api.call("GET", f"{LOG}?tail=true")
    assert answer.status_code == 200
    assert "PREVS_AGENTS_PRINCIPAL" in answer.text


@pytest.mark.parametrize("offset", ["-1", "x", "1.5"])
def test_an_offset_that_is_no_number_of_bytes_is_refused(api: ApiInProcess, offset: str) -> None:
    answer = api.call("GET", f"{LOG}?offset={offset}")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "offset"


def test_one_that_accepts_events_gets_them(api: ApiInProcess) -> None:
    api.sandboxes.output["t1"] = b"one\ntwo\n"
    api.previews.change("hello", SHA, state=State.STOPPED)
    headers = {"Accept": "text/event-stream"}
    answer = api.call("GET", LOG, headers=headers)
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert 'event: log\nid: 8\ndata: "one\\ntwo\\n"\n\n' in answer.text
    answer = api.call("GET", LOG, headers={**headers, "Last-Event-ID": "4"})
    assert 'event: log\nid: 8\ndata: "two\\n"\n\n' in answer.text
    answer = api.call("GET", f"{LOG}?offset=4", headers=headers)
    assert 'event: log\nid: 8\ndata: "two\\n"\n\n' in answer.text


def test_events_of_no_preview_are_a_problem_and_no_stream(api: ApiInProcess) -> None:
    path = LOG.replace(SHA, "b" * 40)
    answer = api.call("GET", path, headers={"Accept": "text/event-stream"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
