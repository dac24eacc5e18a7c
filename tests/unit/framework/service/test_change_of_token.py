"""The proxies' token changes: what it has signed stays, in whatever order tokens come and go."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.apps.visitor_access import MACHINE, PassOrder
from framework.errors import InvalidSettings
from framework.events import MirrorRemoved
from framework.trust import NotTrusted, RecordKind, judge_signatures
from prevs.access import AccessRecord
from prevs.gates import GateRecord
from prevs.records import AppRecord, PlacementsRecord
from prevs.stacks import StackRecord
from tests.fakes.driven import APP, Driven
from tests.fakes.gate_story import GateStory
from tests.fakes.placements import KEY as OLD
from tests.fakes.stack_story import CART, WEB, StackStory

NEW, LATER = b"the new token's key", b"one more"
SIGNED = (AccessRecord, GateRecord, PlacementsRecord, StackRecord)
"""And the record of agents, which follows from offers."""
GATE, STACK, ACCESS = (
    (RecordKind.GATE, "api"),
    (RecordKind.STACK, "shop"),
    (RecordKind.ACCESS, WEB),
)


def make_story() -> StackStory:
    """A gate, a stack with a variant that runs, an app with a password and a pass."""
    story = StackStory()
    story.driven.add_app(dataclasses.replace(APP, max_previews=10))
    gates = GateStory(story.driven)
    gates.put(("/", "main"))
    gates.run(gates.heads["main"])
    story.heads[CART]["feature"] = "f" * 40
    story.write()
    story.open("feature", "web")
    story.run("web", "feature")
    story.driven.commands.require_team(WEB)
    order = PassOrder("ci", MACHINE, 30)
    story.driven.commands.issue_pass(WEB, order, "id1", by="ada")
    story.driven.tick(6)
    return story


@pytest.fixture
def story() -> StackStory:
    return make_story()


def lead(story: StackStory, *keys: bytes) -> Driven:
    """Let the next framework lead for a while, with these tokens."""
    znodes = story.driven.znodes
    znodes.epoch += 1
    later = Driven(znodes, story.driven.clock, signed_with=keys)
    later.tick()
    later.tick(6)
    return later


def read(story: StackStory) -> Mapping[tuple[str, ...], object]:
    """Return what is signed, as stored, without its signatures."""
    plain = {"signature": "", "whole_signature": "", "signatures": {}}
    found = {}
    for key, (record, _) in story.driven.znodes.records.items():
        if isinstance(record, SIGNED):
            has = {name for name in plain if hasattr(record, name)}
            found[key] = dataclasses.replace(record, **{one: plain[one] for one in has})  # type: ignore[arg-type]
    return found


def test_what_a_later_token_signed_is_signed_anew_and_all_is_said(story: StackStory) -> None:
    before, instances = read(story), story.instances()
    both = lead(story, NEW, OLD)
    assert both.records.signed.count_missigned() == 0
    assert both.service.snapshot.refused == {}
    check = judge_signatures({}, 0, is_changing=True)
    assert (check.ok, "may go" in check.detail) == (True, True)
    only = lead(story, NEW)
    assert only.service.snapshot.refused == {}
    assert (read(story), story.instances()) == (before, instances)
    assert lead(story, LATER).service.snapshot.refused.keys() == {GATE, STACK, ACCESS} | {
        (RecordKind.GATE, name) for name in ("shop", "cart-shop")
    }


def test_while_something_is_unwritten_no_token_may_go(story: StackStory) -> None:
    znodes = story.driven.znodes
    znodes.epoch += 1
    later = Driven(znodes, story.driven.clock, signed_with=(NEW, OLD), subscribed=False)
    count = later.records.signed.count_missigned()
    assert count == len(read(story)) + 1
    check = judge_signatures({}, count, is_changing=True)
    assert (check.ok, check.needed, "keep all tokens" in check.detail) == (False, False, True)


def test_a_token_that_goes_too_early_costs_nothing_and_is_told(story: StackStory) -> None:
    before, stored = read(story), dict(story.driven.znodes.records)
    instances = story.instances()
    early = lead(story, NEW)
    for key in (("gates", "api"), ("stacks", "shop"), ("gates", "shop"), ("access", WEB)):
        assert story.driven.znodes.records[key] == stored[key]
    assert story.instances() == instances, "what runs in a variant goes on"
    told = [one.sentence for one in early.service.history.events if "token" in one.sentence]
    assert len(told) == 5
    assert "the gate api is left out: none of the frameworks' tokens has signed its record" in told
    check = judge_signatures(early.service.snapshot.refused, 0, is_changing=False)
    assert (check.ok, check.needed) == (False, False)
    assert "5 records" in check.detail
    assert "api" not in check.detail, "/readyz needs no token"
    later = lead(story, NEW, OLD)
    assert later.service.snapshot.refused == {}
    assert (read(story), story.instances()) == (before, instances)
    assert lead(story, NEW).service.snapshot.refused == {}


def test_nobody_writes_over_what_is_kept_but_may_remove_it_by_name(story: StackStory) -> None:
    early = lead(story, NEW)
    gates = GateStory(early)
    with pytest.raises(NotTrusted, match="prevs gate rm api"):
        gates.put(("/", "main"))
    stacks, wanted = early.stack_commands, story.written()
    with pytest.raises(NotTrusted, match="prevs stack rm shop"):
        stacks.write("shop", wanted, by="ada")
    with pytest.raises(InvalidSettings):
        stacks.write("api", wanted, by="ada")
    with pytest.raises(NotTrusted):
        early.commands.add_app(AppRecord("api", "/srv/api"))
    early.gate_commands.remove("api")
    stacks.remove("shop")
    assert gates.put(("/", "main")).revision.number == 1
    assert stacks.write("shop", wanted, by="ada").variants == {}
    early.tick(6)
    assert early.service.snapshot.refused.keys() == {ACCESS}


def test_a_removed_app_takes_what_nobody_trusts_with_it(story: StackStory) -> None:
    early = lead(story, NEW)
    early.commands.remove_app("hello")
    for _ in range(5):
        for preview in early.records.of_app("hello"):
            if preview.task_id:
                early.update("TASK_KILLED", task=preview.task_id)
        early.tick(40)
    early.step(MirrorRemoved("hello"))
    assert GATE not in early.service.snapshot.refused


TOKENS = st.lists(
    st.lists(st.sampled_from((OLD, NEW, LATER)), min_size=1, max_size=3, unique=True), max_size=5
)


@given(TOKENS)
@settings(deadline=None, max_examples=30)
def test_whatever_tokens_come_and_go_with_all_of_them_everything_is_there(
    leads: Sequence[Sequence[bytes]],
) -> None:
    story = make_story()
    before, instances = read(story), story.instances()
    for keys in leads:
        lead(story, *keys)
    last = lead(story, LATER, NEW, OLD)
    assert last.service.snapshot.refused == {}
    assert (read(story), story.instances()) == (before, instances)
