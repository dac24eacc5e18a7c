import base64
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.access import Scope
from framework.errors import UnknownPlace
from framework.http_api.http.paging import PageRequest, read_cursor, write_cursor
from framework.ports import Commit, Listing, Ref
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.answers import known_agent
from tests.fakes.asgi import ApiInProcess, problems, refusal

SHA = "a" * 40
texts = st.text(st.characters(), max_size=8)
keys = st.tuples(texts, st.floats(allow_nan=False, allow_infinity=False))


@pytest.fixture
def many(api: ApiInProcess) -> ApiInProcess:
    """Three of everything that is listed, in no order."""
    for number, letter in enumerate("bca"):
        sha = letter * 40
        api.previews.add_app(AppRecord(letter, "/srv/x"))
        fields: dict[str, Any] = {"created": 9.0 - number, "changed": float(number)}
        api.previews.put("hello", sha, State.QUEUED, **fields)
        api.previews.queue_places["hello", sha] = number + 1
        api.previews.look()
        api.tokens.add_token(letter, Scope.READ)
        api.call("DELETE", f"/v1/apps/gone-{letter}")
        api.agents.known.append(known_agent(letter))
    refs = [Ref(name, "branch", name, SHA, "Ada", "", 9.0 - n) for n, name in enumerate("bca")]
    api.refs.listings["hello"] = Listing(refs[::-1], 1.0)
    api.refs.logs["hello", "main"] = [Commit(one * 40, "Ada", "", 9.0) for one in "bca"]
    return api


def follow(api: ApiInProcess, path: str, part: str, **query: str) -> list[list[Any]]:
    """Return the pages of a list."""
    pages = []
    after: dict[str, str] = {}
    while True:
        url = httpx.URL(path).copy_merge_params({**query, **after})
        answer = api.call("GET", str(url))
        assert answer.status_code == 200
        pages.append(answer.json()[part])
        if answer.json()["next"] is None:
            return pages
        after = {"after": answer.json()["next"]}


@given(st.lists(keys, unique=True), st.integers(1, 5))
def test_the_pages_of_a_list_have_every_entry_in_order(entries: list[Any], limit: int) -> None:
    found: list[Any] = []
    after, pages = "", 0
    while True:
        page = PageRequest(limit, after).cut(entries, lambda entry: entry)
        found += page.entries
        pages += 1
        if page.next is None:
            break
        assert len(page.entries) == limit
        after = page.next
    assert found == sorted(entries)
    assert pages == max(1, -(-len(entries) // limit))


@given(keys)
def test_a_cursor_is_ascii_and_holds_its_key(key: Any) -> None:
    cursor = write_cursor(key)
    assert cursor.isascii()
    assert "=" not in cursor
    assert read_cursor(cursor) == key


@given(st.text(st.characters()) | st.binary().map(lambda b: base64.b64encode(b).decode()))
def test_no_text_breaks_the_parser_of_cursors(text: str) -> None:
    try:
        key = read_cursor(text)
    except UnknownPlace:
        return
    assert all(type(part) in (str, int, float) for part in key)


def test_lists_have_a_hundred_entries_a_page_or_the_requested_number(api: ApiInProcess) -> None:
    for number in range(249):
        api.previews.add_app(AppRecord(f"app{number:03}", "/srv/x"))
    pages = follow(api, "/v1/apps", "apps")
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [len(page) for page in follow(api, "/v1/apps", "apps", limit="125")] == [125, 125]


def test_changes_between_pages_hide_no_other_entries(many: ApiInProcess) -> None:
    first = many.call("GET", "/v1/apps?limit=2").json()
    many.previews.remove_app("a")
    many.previews.remove_app("b")
    many.previews.add_app(AppRecord("aaa", "/srv/x"))
    after = many.call("GET", "/v1/apps", params={"limit": "2", "after": first["next"]}).json()
    assert [app["name"] for app in after["apps"]] == ["c", "hello"]


@pytest.mark.parametrize(
    ("path", "part", "key", "order"),
    [
        ("/v1/apps", "apps", "name", ["a", "b", "c", "hello"]),
        ("/v1/previews", "previews", "sha", ["a" * 40, "c" * 40, "b" * 40]),
        ("/v1/queue", "queue", "place", [1, 2, 3]),
        ("/v1/agents", "agents", "host", ["a", "b", "c"]),
        ("/v1/tokens", "tokens", "name", ["a", "b", "c"]),
        ("/v1/audit", "entries", "target", ["gone-a", "gone-c", "gone-b"]),
        ("/v1/events?app=hello", "events", "sha", ["a" * 40, "c" * 40, "b" * 40, None]),
        ("/v1/apps/hello/refs", "refs", "name", ["b", "c", "a"]),
        ("/v1/apps/hello/commits?ref=main", "commits", "sha", ["b" * 40, "c" * 40, "a" * 40]),
    ],
)
def test_each_list_keeps_its_order_over_its_pages(
    many: ApiInProcess, path: str, part: str, key: str, order: list[Any]
) -> None:
    pages = follow(many, path, part, limit="2")
    assert [[one[key] for one in page] for page in pages] == [order[:2], order[2:]]


@pytest.mark.parametrize("part", ["\u5206" * 85, '"' * 255])
def test_pages_of_branches_continue_after_the_longest_name(api: ApiInProcess, part: str) -> None:
    longest = "/".join([part] * 16)
    api.refs.listings["hello"] = Listing(
        [Ref(f"{n}{longest}", "branch", f"b{n}", "a" * 40, "Ada", "", 9.0) for n in range(3)], 1.0
    )
    pages = follow(api, "/v1/apps/hello/refs", "refs", limit="1")
    assert len(pages) == 3


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", ["/v1/apps", "/v1/previews", "/v1/queue"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"limit": "\u0661"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"after": "x" * 12_001}, "after"),
        ({"after": "\u00e9"}, "after"),
    ],
)
def test_an_invalid_cursor_is_a_problem(
    api: ApiInProcess, path: str, query: dict[str, str], field: str
) -> None:
    answer = api.call("GET", path, params=query)
    assert refusal(answer) == (422, "invalid-request")
    assert list(problems(answer)) == [field]


@pytest.mark.parametrize(
    "after",
    [
        "x",
        encode("hello"),
        encode([["hello"]]),
        encode([True]),
        encode([float("nan")]),
        encode([5.0, "hello"]),
    ],
)
@pytest.mark.parametrize("path", ["/v1/apps", "/v1/tokens"])
def test_a_cursor_of_another_list_is_a_problem(api: ApiInProcess, path: str, after: str) -> None:
    api.tokens.add_token("looks", Scope.READ)
    assert refusal(api.call("GET", path, params={"after": after})) == (404, "unknown-place")
