"""What nobody may do to stacks, and what counts for nothing, in a service over fakes."""

import dataclasses

import pytest

from framework.errors import InvalidSettings
from framework.gates.errors import NameOfGate, UnknownGate
from framework.gates.switching import Switch
from framework.pulls.errors import NotApproved
from framework.service.stacks.stack_commands import MOST
from framework.stacks.errors import (
    AppOfStack,
    GateOfStack,
    InstanceOfVariant,
    NothingToOpen,
    TooManyStacks,
    UnknownStack,
)
from framework.stacks.variants import WrittenVariant
from prevs import signatures
from prevs.pulls import PullRecord
from prevs.stacks import StackRecord
from prevs.states import State
from tests.fakes import signed_gates
from tests.fakes.driven import APP, Driven
from tests.fakes.gate_story import written as written_gate
from tests.fakes.placements import KEY as SIGNING_KEY
from tests.fakes.stack_story import AUTH, CART, MAIN, NEXT, WEB, StackStory


def test_nobody_else_writes_the_gates_of_a_stack(stacks: StackStory) -> None:
    commands, written = stacks.driven.gate_commands, written_gate(("/", "main"))
    gate = dataclasses.replace(written, app=CART)
    for act in (
        lambda: commands.plan("cart-shop", gate, by="eve"),
        lambda: commands.plan_switch("cart-shop", Switch("/", "dev"), by="eve"),
        lambda: commands.plan_rollback("cart-shop", None, by="eve"),
        lambda: commands.remove("cart-shop"),
    ):
        with pytest.raises(GateOfStack, match="prevs stack set shop FILE"):
            stacks.driven.call(act)


@pytest.mark.parametrize("pinned", [True, False])
def test_one_instance_is_not_pinned_without_its_variant(stacks: StackStory, pinned: bool) -> None:
    variant = stacks.open("feature")
    cart, commands = stacks.run("cart", variant), stacks.driven.commands
    stacks.pin(variant, pinned=not pinned)
    with pytest.raises(InstanceOfVariant, match=f"`prevs stack pin shop {variant}`"):
        commands.pin(CART, cart.sha, pinned=pinned)
    assert stacks.now(cart).pinned is stacks.stack().variants[variant].pinned is not pinned


def test_names_are_not_given_twice(stacks: StackStory) -> None:
    with pytest.raises(NameOfGate, match="prevs stack rm shop"):
        stacks.driven.add_app(dataclasses.replace(APP, name="shop"))
    with pytest.raises(InvalidSettings, match="which the stack shop has"):
        stacks.write({"x": WEB}, "x", name="cart-shop")
    gate = dataclasses.replace(written_gate(("/", "main")), app=AUTH)
    stacks.driven.commands.start(AUTH, MAIN, "main")
    plan = stacks.driven.gate_commands.plan("mall", gate, by="ada")
    stacks.driven.gate_commands.carry_out(plan, {"main": MAIN})
    with pytest.raises(InvalidSettings, match="a gate of that name"):
        stacks.write({"x": WEB}, "x", name="mall")
    with pytest.raises(UnknownGate):
        stacks.driven.gate_commands.remove("other")


def test_an_app_of_a_stack_stays(stacks: StackStory) -> None:
    with pytest.raises(AppOfStack, match="member of the stack 'shop'"):
        stacks.driven.commands.remove_app(CART)
    stacks.write({"web": WEB})
    stacks.driven.commands.remove_app(CART)
    with pytest.raises(InvalidSettings, match="is no app"):
        stacks.write()


def test_there_are_as_many_stacks_as_there_may_be(stacks: StackStory) -> None:
    for number in range(MOST - 1):
        stacks.write({"x": AUTH}, "x", name=f"s{number}")
    with pytest.raises(TooManyStacks):
        stacks.write({"x": AUTH}, "x", name="one-more")
    assert stacks.write({"x": AUTH}, "x", name="s1").name == "s1"


def test_a_variant_must_differ_from_the_stack(stacks: StackStory) -> None:
    with pytest.raises(NothingToOpen):
        stacks.open("nowhere")
    with pytest.raises(UnknownStack):
        stacks.commands.open("none", WrittenVariant("x"), (), by="ada")
    assert stacks.open("nowhere", "web") == "nowhere"
    assert stacks.stack().variants["nowhere"].ref == ""


def test_a_strangers_commit_is_in_no_variant(stacks: StackStory) -> None:
    driven, commands = stacks.driven, stacks.driven.commands
    pull = PullRecord(CART, 7, NEXT, "pull/7/head", approved_commit=NEXT)
    commands.change_app(CART, {"pulls": "all", "forks": "approve"})
    driven.call(lambda: driven.records.pulls.save_all([pull]))
    variant = stacks.open("mine", cart="pr-7")
    label = "mine--cart-shop"
    with pytest.raises(NotApproved, match="no variant of a stack runs those"):
        commands.start(CART, NEXT, label, refs=("pull/7",), instance=label)
    assert stacks.previews() == []
    # Nor does one start that was its author's to build when it was requested.
    commands.change_app(CART, {"forks": "members"})
    trusted = dataclasses.replace(pull, may_write=True)
    driven.call(lambda: driven.records.pulls.save_all([trusted]))
    waits = commands.start(CART, NEXT, label, refs=("pull/7",), instance=label)
    assert waits.state is State.QUEUED
    driven.call(lambda: driven.records.pulls.save_all([pull]))
    waits = stacks.place(waits)
    assert waits.state is State.STOPPED
    assert "`prevs open basket pr-7`" in waits.reason
    # Its own address has it, as before, and it gets no address of a member.
    commands.start(CART, NEXT, "pr-7", refs=("pull/7",))
    order = stacks.order(stacks.place(driven.preview(NEXT, CART)))
    assert (order.trusted, order.environment) == (False, {})
    # A branch reaches it: it is no stranger's any more.
    stacks.heads[CART]["pr-7"] = NEXT
    assert stacks.run("cart", variant).commit == NEXT


def test_what_nobody_whom_we_trust_wrote_is_left_out(stacks: StackStory) -> None:
    stacks.open("feature")
    znodes, clock = stacks.driven.znodes, stacks.driven.clock
    znodes.epoch += 1
    rotated = Driven(znodes, clock, signed_with=(b"another key", SIGNING_KEY))
    rotated.tick()
    (stored, _) = znodes.records["stacks", "shop"]
    assert isinstance(stored, StackRecord)
    assert signatures.is_stack_signed((b"another key",), stored)
    # Nothing follows from an intruder's stack, and what follows from the one before it stays.
    gates = {key: one for key, one in znodes.records.items() if key[0] == "gates"}
    forged = dataclasses.replace(stored, members={})
    znodes.records["stacks", "shop"] = (forged, 7)
    znodes.epoch += 1
    later = Driven(znodes, clock, signed_with=(b"another key",))
    later.tick()
    assert later.service.snapshot.stacks == {}
    assert list(later.service.snapshot.gates) == [name for _, name in gates]
    assert {key: one for key, one in znodes.records.items() if key[0] == "gates"} == gates
    assert znodes.records["stacks", "shop"] == (forged, 7)


def test_a_gate_that_somebody_else_wrote_is_written_again(stacks: StackStory) -> None:
    stacks.open("feature")
    gate = stacks.gates()["cart-shop"]
    forged = dataclasses.replace(gate, app=AUTH)
    stacks.driven.znodes.records["gates", "cart-shop"] = (forged, 7)
    later = stacks.take_over()
    later.driven.tick()
    assert later.gates()["cart-shop"].app == CART
    assert later.find_wrong() == []


def test_a_gate_that_somebody_has_made_is_never_lost_to_a_stack(stacks: StackStory) -> None:
    # No command lets this happen; somebody with the key may have.
    theirs = signed_gates.signed(signed_gates.make_gate(name="cart-shop", app=AUTH))
    stacks.driven.znodes.records["gates", "cart-shop"] = (theirs, 7)
    later = stacks.take_over()
    later.open("feature")
    later.driven.tick(6)
    assert later.gates()["cart-shop"] == theirs
    assert later.gates()["shop"].revision.variants == {"feature": "main"}
    with pytest.raises(InvalidSettings, match="a gate of that name has"):
        later.write()


def test_a_takeover_writes_nothing(stacks: StackStory) -> None:
    stacks.open("feature")
    later = stacks.take_over()
    later.driven.tick(6)
    assert later.driven.store.written == []
