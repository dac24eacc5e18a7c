"""Who may look, as the proxy reads it, and what a pass opens."""

import dataclasses
from typing import Any

import pytest

from prevs.access import Access, AccessRecord
from prevs.signatures import derive_key, sign_access
from proxy.model import access
from proxy.model.access import AppAccess, SeenAccess
from proxy.model.trust import Node
from tests.fakes.access import ERA, PASS_KEY, guard, make_pass
from tests.fakes.placements import KEY

CLOSED = AppAccess(closed=True)
GUARDED = AppAccess(ERA, preflight=True, passes=frozenset({"one"}))
TEAM = AppAccess(ERA, team=True)


def learn(data: bytes, app: str = "shop") -> SeenAccess:
    return access.learn({}, {app: Node(data, 0, 7)}, (KEY,))[app]


def test_a_signed_record_guards_its_app() -> None:
    assert learn(guard("shop", "one", preflight=True)) == SeenAccess(7, GUARDED)
    assert learn(guard("shop", team=True)) == SeenAccess(7, TEAM)
    open_to_all = AccessRecord("shop", Access.PUBLIC, ERA)
    signed = dataclasses.replace(open_to_all, signature=sign_access(KEY, open_to_all))
    assert learn(signed.encode()) == SeenAccess(7, None)


BAD = {
    "AccessRecord": b"{",
    "its signature is not the framework's": guard("shop", key=derive_key("another")),
    "it belongs to the app 'docs'": guard("docs"),
    "'two words' cannot be the id of a pass": guard("shop", "two words"),
}


@pytest.mark.parametrize("problem", BAD)
def test_any_other_record_closes_its_app(problem: str) -> None:
    seen = learn(BAD[problem])
    assert (seen.access, problem in seen.problem) == (CLOSED, True)


def test_a_node_is_read_once_and_an_app_without_one_is_public() -> None:
    node = Node(guard("shop"), 0, 7)
    known = access.learn({}, {"shop": node, "a b": Node(b"", 0, 8)}, (KEY,))
    assert access.list_guarded(known) == {"shop": AppAccess(ERA)}
    unread = {"shop": node._replace(data=b"not read again")}
    assert access.learn(known, unread, (KEY,)) == {"shop": known["shop"]}
    assert access.learn(known, {}, (KEY,)) == {}


@pytest.mark.parametrize(
    "accesses",
    [
        None,
        {},
        {"shop": GUARDED, "docs": CLOSED, "wiki": TEAM},
    ],
)
def test_the_maps_say_the_same_when_they_are_read(accesses: access.Accesses | None) -> None:
    found = access.parse(access.write_apps(accesses), access.write_passes(accesses))
    assert found == accesses


@pytest.mark.parametrize(
    ("fields", "opened"),
    [
        ({"host": "a.shop.x"}, True),
        ({"id": "one"}, True),
        ({"host": "b.shop.x"}, False),
        ({"app": "docs"}, False),
        ({"era": ERA - 1}, False),
        ({"until": 1.0}, False),
        ({"purpose": "session"}, False),
        ({"id": "two"}, False),
        ({"key": "0" * 64}, False),
    ],
)
def test_a_pass_opens_its_host_in_its_era_until_it_ends(
    fields: dict[str, Any], opened: bool
) -> None:
    text = make_pass(**{"app": "shop", **fields})
    found = access.find_pass(GUARDED, text, (PASS_KEY,), app="shop")
    assert access.opens(found, "a.shop.x", 1000.0) == opened
    assert access.find_pass(CLOSED, text, (PASS_KEY,), app="shop") is None
    assert access.find_pass(GUARDED, "nonsense", (PASS_KEY,), app="shop") is None
