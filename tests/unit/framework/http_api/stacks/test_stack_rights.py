"""Somebody sees a stack who sees all of its apps, and uses it who may use all of these."""

import pytest

from framework.access import Identity, Scope
from framework.errors import NotOfApp
from framework.http_api.stacks import stack_rights
from framework.people.errors import NoRole
from framework.stacks.errors import UnknownStack
from framework.state.snapshot import Snapshot
from prevs.stacks import Member, StackRecord

USE, READ, ADMIN = Scope.USE, Scope.READ, Scope.ADMIN
STACK = StackRecord(
    "shop", "web", {"web": Member("a", "main"), "cart": Member("b", "main"), "x": Member("a", "x")}
)
SNAPSHOT = Snapshot({}, {}, stacks={"shop": STACK})


@pytest.mark.parametrize(
    ("identity", "sees", "uses"),
    [
        (Identity("ci", ADMIN), True, True),
        (Identity("ci", USE), True, True),
        (Identity("ci", READ), True, False),
        (Identity("ci", USE, "a"), False, False),
        (Identity("@ada", None), False, False),
        (Identity("@ada", None, apps={"a": USE}), False, False),
        (Identity("@ada", None, apps={"a": USE, "b": READ}), True, False),
        (Identity("@ada", None, apps={"a": USE, "b": ADMIN}), True, True),
        (Identity("@ada", READ, apps={"a": USE, "b": USE}), True, True),
    ],
)
def test_a_stack_is_for_whoever_has_all_of_its_apps(
    identity: Identity, *, sees: bool, uses: bool
) -> None:
    assert stack_rights.sees(identity, STACK) is sees
    assert stack_rights.may_use(identity, STACK) is uses
    for to_use, may in ((False, sees), (True, uses)):
        if may:
            assert stack_rights.find(SNAPSHOT, "shop", identity, to_use=to_use) is STACK
        else:
            with pytest.raises(NoRole if identity.is_person else NotOfApp):
                stack_rights.find(SNAPSHOT, "shop", identity, to_use=to_use)


def test_one_that_is_not_there_is_unknown() -> None:
    with pytest.raises(UnknownStack):
        stack_rights.find(SNAPSHOT, "gone", Identity("ci", ADMIN))
