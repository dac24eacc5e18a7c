import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.http_api.http.conditional import matches
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.apis import WholeApi
from tests.fakes.asgi import ApiInProcess, refusal
from tests.fakes.calls import CALLS

SHA = "a" * 40
PREVIEW = f"/v1/previews/hello/{SHA}"


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    api.previews.put("hello", SHA, State.QUEUED, task_id="t")
    return api


@pytest.mark.parametrize(
    ("header", "weakly", "strongly"),
    [
        ('"a"', True, True),
        ('"b", "a"', True, True),
        ('"b","a" , "c"', True, True),
        ('W/"a"', True, False),
        ('W/"a", "a"', True, True),
        ("*", True, True),
        (" * ", True, True),
        ('"b"', False, False),
        ('"b, "a""', False, False),
        ("a", False, False),
        ('"a" "b"', False, False),
        ('"a', False, False),
        ('w/"a"', False, False),
        ("", False, False),
    ],
)
def test_a_list_of_etags_matches_one_or_none(header: str, weakly: bool, strongly: bool) -> None:
    assert matches(header, '"a"', weak=True) is weakly
    assert matches(header, '"a"', weak=False) is strongly


@given(st.text(st.characters(max_codepoint=255)))
def test_no_header_breaks_the_parser(header: str) -> None:
    assert matches(header, '"a"', weak=True) in (True, False)


@pytest.mark.parametrize("call", [call for call, declared in CALLS.items() if declared.with_etag])
def test_a_known_etag_gets_304(whole: WholeApi, call: str) -> None:
    path = call.removeprefix("GET ").format(app="hello", sha=SHA, id=next(iter(whole.known)))
    first = whole.call("GET", path)
    tag = first.headers["ETag"]
    again = whole.call("GET", path, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = whole.call("GET", path, headers={"If-None-Match": '"x"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_the_etag_of_a_preview_changes_with_values_outside_its_record(api: ApiInProcess) -> None:
    def tag() -> str:
        return api.call("GET", PREVIEW).headers["ETag"]

    tags = [tag()]
    api.previews.queue_places["hello", SHA] = 2
    tags.append(tag())
    api.trouble = "Mesos is away."
    tags.append(tag())
    api.previews.change("hello", SHA, state=State.FAILED)
    tags.append(tag())
    api.sandboxes.output["t"] = b"oh no\n"
    tags.append(tag())
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_conditional_write_fails_after_somebody_elses_change(
    api: ApiInProcess, method: str
) -> None:
    read = api.call("GET", "/v1/apps/hello").headers["ETag"]
    now = api.call("PATCH", "/v1/apps/hello", json={"mem": 256}).headers["ETag"]
    body = {"json": {"mem": 512}} if method == "PATCH" else {}
    for header in (read, f"W/{read}", "nonsense"):
        answer = api.call(method, "/v1/apps/hello", headers={"If-Match": header}, **body)
        assert refusal(answer) == (412, "app-changed")
    assert api.previews.snapshot.app("hello").mem == 256
    assert api.call("GET", "/v1/apps/hello").headers["ETag"] == now
    headers = {"If-Match": f"{read}, {now}"}
    assert api.call(method, "/v1/apps/hello", headers=headers, **body).is_success


def test_a_change_between_the_read_and_the_write_is_detected(api: ApiInProcess) -> None:
    read = api.call("GET", "/v1/apps/hello").headers["ETag"]
    change = api.previews.change_app

    def be_late(name: str, changes: object, *, only_if: AppRecord | None = None) -> AppRecord:
        change(name, {"mem": 256})
        return change(name, {"mem": 512}, only_if=only_if)

    api.previews.change_app = be_late  # type: ignore[method-assign]
    headers = {"If-Match": read}
    answer = api.call("PATCH", "/v1/apps/hello", json={"mem": 512}, headers=headers)
    assert refusal(answer) == (412, "app-changed")
    assert api.previews.snapshot.app("hello").mem == 256
