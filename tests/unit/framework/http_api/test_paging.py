import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import UnknownPlace
from framework.http_api.http.paging import PageRequest, read_cursor, write_cursor
from framework.ports import Listing, Ref
from prevs.records import AppRecord
from tests.fakes.apis import WholeApi
from tests.fakes.asgi import ApiInProcess, problems, refusal

texts = st.text(st.characters(), max_size=8)
keys = st.tuples(texts, st.floats(allow_nan=False, allow_infinity=False))


A, B, C = (letter * 40 for letter in "abc")
LISTS: Mapping[str, tuple[str, Sequence[Any]]] = {
    "/v1/apps": ("name", ["beta", "hello"]),
    "/v1/previews?app=hello": ("sha", [A, C, B]),
    "/v1/jobs?app=hello": ("command", [["a"], ["c"], ["b"]]),
    "/v1/apps/hello/schedules": ("name", ["a", "b", "c"]),
    "/v1/gates?app=hello": (
        "name",
        [f"{name}-hello" for name in ("a", "as", "b", "bs", "c", "cs")],
    ),
    "/v1/stacks?app=hello": ("name", ["as-hello", "bs-hello", "cs-hello"]),
    "/v1/queue": ("place", [1, 2, 3, 4, 5, 6]),
    "/v1/apps/hello/refs": ("name", ["b", "c", "a"]),
    "/v1/apps/hello/commits?ref=main": ("sha", [B, C, A]),
    "/v1/apps/hello/data": ("branch", ["a", "b", "c"]),
    "/v1/apps/hello/pulls": ("number", [2, 1, 0]),
    "/v1/agents": ("host", ["a", "b", "c"]),
    "/v1/events?app=hello": ("id", [f"fake-{number}" for number in range(10, 0, -1)]),
    "/v1/roles": ("person", ["a", "b", "c"]),
    "/v1/tokens": ("name", ["a", "b", "c"]),
    "/v1/audit": ("id", [f"{number:012}" for number in range(62, -1, -2)]),
}
"""Every list, what tells its entries apart, and their order."""
OF_KINDS = {"/v1/apps/{app}/landing"}
"""It has several lists."""


def follow(api: ApiInProcess, path: str, limit: int | None = None) -> list[list[Any]]:
    """Return the pages of a list."""
    pages = []
    query = {} if limit is None else {"limit": str(limit)}
    while True:
        answer = api.call("GET", str(httpx.URL(path).copy_merge_params(query)))
        assert answer.status_code == 200, answer.text
        [page] = [value for value in answer.json().values() if isinstance(value, list)]
        pages.append(page)
        if answer.json()["next"] is None:
            return pages
        query["after"] = answer.json()["next"]


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
    pages = follow(api, "/v1/apps")
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [len(page) for page in follow(api, "/v1/apps", limit=125)] == [125, 125]


def test_changes_between_pages_hide_no_other_entries(api: ApiInProcess) -> None:
    for name in "bca":
        api.previews.add_app(AppRecord(name, "/srv/x"))
    first = api.call("GET", "/v1/apps?limit=2").json()
    api.previews.remove_app("a")
    api.previews.remove_app("b")
    api.previews.add_app(AppRecord("aaa", "/srv/x"))
    after = api.call("GET", "/v1/apps", params={"limit": "2", "after": first["next"]}).json()
    assert [app["name"] for app in after["apps"]] == ["c", "hello"]


@pytest.mark.parametrize(("path", "key", "order"), [(path, *row) for path, row in LISTS.items()])
def test_each_list_keeps_its_order_over_its_pages(
    whole: WholeApi, path: str, key: str, order: Sequence[Any]
) -> None:
    assert [[one[key] for one in page] for page in follow(whole, path)] == [order]
    pages = follow(whole, path, limit=1)
    assert [[one[key] for one in page] for page in pages] == [[one] for one in order]


def test_every_list_is_tried(whole: WholeApi) -> None:
    described = whole.call("GET", "/openapi.json").json()["paths"].items()
    found = {
        path
        for path, calls in described
        if "limit" in {one["name"] for one in calls.get("get", {}).get("parameters", ())}
    }
    tried = {path.partition("?")[0].replace("hello", "{app}") for path in LISTS}
    assert found - OF_KINDS == tried


@pytest.mark.parametrize("part", ["\u5206" * 85, '"' * 255])
def test_pages_of_branches_continue_after_the_longest_name(api: ApiInProcess, part: str) -> None:
    longest = "/".join([part] * 16)
    api.refs.listings["hello"] = Listing(
        [Ref(f"{n}{longest}", "branch", f"b{n}", "a" * 40, "Ada", "", 9.0) for n in range(3)], 1.0
    )
    pages = follow(api, "/v1/apps/hello/refs", limit=1)
    assert len(pages) == 3


def encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("path", LISTS)
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
    whole: WholeApi, path: str, query: dict[str, str], field: str
) -> None:
    answer = whole.call("GET", str(httpx.URL(path).copy_merge_params(query)))
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
    ],
)
@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_another_list_is_a_problem(whole: WholeApi, path: str, after: str) -> None:
    answer = whole.call("GET", str(httpx.URL(path).copy_merge_params({"after": after})))
    assert refusal(answer) == (404, "unknown-place")


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_with_a_number_is_none_of_names_nor_the_other_way_round(
    whole: WholeApi, path: str
) -> None:
    cursors = (encode(["hello"]), encode([5.0, "hello"]))
    paths = [str(httpx.URL(path).copy_merge_params({"after": one})) for one in cursors]
    assert 404 in [whole.call("GET", one).status_code for one in paths]
