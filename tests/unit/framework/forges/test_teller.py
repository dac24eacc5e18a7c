"""What is said at a forge, through the service, over fakes."""

import dataclasses
import itertools

import pytest

from framework import events
from framework.ports.telling import Light
from framework.pulls.looks import find_approved
from framework.telling.pace import EDIT_SECONDS
from prevs import names
from tests.fakes.driven import APP
from tests.fakes.telling_world import LONG, MARKER, WORDING, A, B, C, TellingWorld, pull


@pytest.fixture
def world() -> TellingWorld:
    return TellingWorld()


def test_a_pull_request_hears_its_address_by_one_comment_and_a_status(world: TellingWorld) -> None:
    world.subjects[A] = "Add the cart"
    world.push()
    world.run()
    assert world.text.startswith(f"{MARKER}\n**hello**")
    assert "[pr-7.hello.prevs.example](http://pr-7.hello.prevs.example/)" in world.text
    assert "`aaaaaaa` `Add the cart`" in world.text
    assert "starts when somebody opens it" in world.text
    (status,) = world.forge.statuses
    assert (status.light, status.context, status.text) == (
        Light.SUCCESS,
        "prevs/hello",
        "opens at pr-7",
    )
    assert world.record.delivered.said == "starts when somebody opens it"
    calls = list(world.forge.calls)
    world.run(LONG)
    assert world.forge.calls == calls, "nothing has changed"


def test_a_push_edits_the_comment(world: TellingWorld) -> None:
    world.push()
    world.run()
    (comment,) = world.forge.of(7)
    world.push(B)
    world.run()
    assert world.forge.of(7) == [comment]
    assert "`bbbbbbb`" in world.text
    assert world.forge.status(B) is not None
    assert world.edits() == 1


def test_two_apps_of_one_repository_have_a_comment_each(world: TellingWorld) -> None:
    world.driven.add_app(dataclasses.replace(APP, name="docs"))
    world.driven.commands.change_app("docs", {"pulls": "all", "forge": "github"})
    world.driven.commands.set_forge_token("docs", "token")
    for sha in (A, B):
        for app in ("hello", "docs"):
            world.driven.step(events.PullsSeen(app, [pull(sha)]))
        world.run()
    markers = [WORDING.marker(app, 7) for app in ("hello", "docs")]
    assert sorted(one.text.splitlines()[0] for one in world.forge.of(7)) == sorted(markers)
    assert world.edits() == 2


def test_nothing_is_said_in_a_repository_that_has_taken_the_name(world: TellingWorld) -> None:
    for found in ("7", "99"):
        world.driven.step(events.RepositorySeen("hello", APP.repository, [found]))
        if found == "7":
            world.push()
    world.run(LONG)
    assert world.forge.calls == []
    world.driven.step(events.RepositorySeen("hello", APP.repository, ["7"]))
    world.run()
    assert len(world.forge.of(7)) == 1


def test_twenty_pushes_in_ten_seconds_are_two_edits_at_most(world: TellingWorld) -> None:
    world.push()
    world.run()
    heads = [f"{number:02d}".ljust(40, "f") for number in range(1, 21)]
    for two in zip(heads[::2], heads[1::2], strict=True):
        for sha in two:
            world.push(sha)
        world.run(1)
    assert world.edits() <= 2
    world.run()
    assert world.edits() <= 2
    assert names.short(heads[-1]) in world.text
    assert world.forge.status(heads[-1]) is not None


def test_a_comment_of_an_earlier_time_is_found_and_the_older_one_of_two_is_used(
    world: TellingWorld,
) -> None:
    world.forge.add_comment(7, f"{MARKER}\nolder")
    world.forge.add_comment(7, f"{MARKER}\nnewer")
    world.push()
    world.run()
    older, newer = world.forge.of(7)
    assert "aaaaaaa" in older.text
    assert newer.text == f"{MARKER}\nnewer"


def test_a_comment_with_the_marker_of_another_pull_request_is_not_ours(world: TellingWorld) -> None:
    forged = f"{WORDING.marker('hello', 8)}\nmine"
    world.forge.add_comment(7, forged)
    world.push()
    world.run()
    assert [one.text == forged for one in world.forge.of(7)] == [True, False]


def test_a_comment_that_somebody_deletes_is_not_made_again(world: TellingWorld) -> None:
    world.push()
    world.run()
    world.forge.comments.clear()
    for sha in (B, C):
        world.push(sha)
        world.run()
    assert world.forge.comments == []
    assert world.forge.status(C) is not None
    assert world.record.delivered.is_gone


def test_a_closed_pull_request_hears_so_once(world: TellingWorld) -> None:
    world.push()
    world.run()
    world.close()
    world.run()
    assert "Closed: the preview stops and its files are removed" in world.text
    assert world.text.startswith(MARKER)
    calls = list(world.forge.calls)
    world.begin()
    world.run(LONG)
    assert world.forge.calls == calls
    world.push()
    world.run()
    assert "starts when somebody opens it" in world.text


def test_nothing_is_said_of_what_was_closed_before(world: TellingWorld) -> None:
    world.push()
    world.close()
    world.run(LONG)
    assert world.forge.calls == []


def test_a_build_shows_and_ends(world: TellingWorld) -> None:
    world.push()
    world.run()
    world.driven.commands.start("hello", A, "pr-7", refs=("pull/7",))
    world.driven.offer()
    world.run(15)
    assert "being built" in world.text
    assert world.record.delivered.is_pending
    world.close()
    world.run(15)
    assert [one.light for one in world.forge.statuses] == [
        Light.SUCCESS,
        Light.PENDING,
        Light.SUCCESS,
    ]


def test_a_commit_that_is_built_while_the_next_one_is_pushed_is_not_pending_for_ever(
    world: TellingWorld,
) -> None:
    world.push(A)
    world.run()
    world.driven.commands.start("hello", A, "pr-7", refs=("pull/7",))
    world.driven.offer()
    world.run(15)
    assert [one.light for one in world.forge.statuses] == [Light.SUCCESS, Light.PENDING]
    world.push(B)
    world.run(15)
    said = [(one.sha, one.light, one.text) for one in world.forge.statuses[2:]]
    assert said == [(A, Light.SUCCESS, "superseded"), (B, Light.SUCCESS, "opens at pr-7")]
    assert not world.record.delivered.is_pending


def test_the_status_of_a_commit_that_another_one_has_as_its_head_stays_that_ones(
    world: TellingWorld,
) -> None:
    world.push(A)
    world.push(A, number=8)
    world.driven.commands.start("hello", A, "pr-7", refs=("pull/7",))
    world.driven.offer()
    world.run(15)
    world.push(B)
    world.run(15)
    assert "superseded" not in [one.text for one in world.forge.statuses]
    last = {one.sha: one.light for one in world.forge.statuses}
    assert last == {A: Light.PENDING, B: Light.SUCCESS}


@pytest.mark.parametrize("where", ["title", "subject"])
def test_a_skipped_one_gets_no_comment(world: TellingWorld, where: str) -> None:
    world.subjects[A] = "Fix [skip preview]" if where == "subject" else "Fix"
    world.push(title="Fix [skip prevs]" if where == "title" else "Fix")
    world.run(LONG)
    assert world.forge.comments == []
    assert [one.text for one in world.forge.statuses] == ["skipped"]


def test_a_comment_that_is_there_says_that_a_commit_is_skipped(world: TellingWorld) -> None:
    world.subjects = {A: "One", B: "Two [preview skip]", C: "Three"}
    for sha, found in ((A, "open it"), (B, "skipped"), (C, "open it")):
        world.push(sha)
        world.run()
        assert found in world.text
    assert len(world.forge.statuses) == 3


def test_a_fork_waits_with_the_whole_command_and_blocks_no_merge(world: TellingWorld) -> None:
    world.push(is_fork=True)
    world.run()
    assert f"`/prevs approve {A}`" in world.text
    assert find_approved(world.text) is None, "our own comment approves nothing"
    (status,) = world.forge.statuses
    assert (status.light, status.text) == (Light.SUCCESS, "fork: waits for approval")
    world.driven.commands.approve("hello", 7, A, by="ada")
    world.run()
    assert "starts when somebody opens it" in world.text
    assert world.forge.statuses[-1].text == "opens at pr-7"


def test_a_fork_that_is_never_built_hears_nothing() -> None:
    world = TellingWorld(forks="never")
    world.push(is_fork=True)
    world.run(LONG)
    assert world.forge.calls == []


@pytest.mark.parametrize("changes", [{"tell": ()}, {"pulls": "off"}])
def test_an_app_that_tells_nothing_tells_nothing(changes: dict[str, object]) -> None:
    world = TellingWorld(**changes)
    world.push()
    world.run()
    assert world.forge.calls == []


def test_nothing_is_said_without_a_token(world: TellingWorld) -> None:
    world.driven.commands.unset_forge_token("hello")
    world.push()
    world.run()
    assert world.forge.calls == []


def test_only_what_is_chosen_is_said() -> None:
    world = TellingWorld(tell=("deployment",))
    world.push()
    world.run()
    assert (world.forge.comments, world.forge.statuses) == ([], [])
    ((deployment, statuses),) = world.forge.deployments.made.values()
    assert (deployment.sha, deployment.environment) == (A, "prevs/hello")
    assert [one.light for one in statuses] == [Light.SUCCESS]
    world.push(B)
    world.run()
    world.close(B)
    world.run()
    lights = [[one.light for one in said] for _, said in world.forge.deployments.made.values()]
    assert lights == [[Light.SUCCESS, Light.INACTIVE]] * 2


def test_a_forge_without_edits_gets_one_comment_that_stays_true() -> None:
    world = TellingWorld(forge="pagure")
    world.push(is_fork=True)
    world.run()
    text = world.text
    assert "all 40 digits" in text
    assert A[:7] not in text
    world.push(B)
    world.run()
    world.close(B)
    world.run()
    assert (world.text, world.edits()) == (text, 0)
    assert world.forge.status(B) is not None


def test_another_repository_has_no_comment_yet(world: TellingWorld) -> None:
    world.push()
    world.run()
    world.driven.commands.change_app("hello", {"repository": "https://git.example.org/other.git"})
    world.forge.comments.clear()
    world.run()
    assert world.text
    assert not world.record.delivered.is_gone


def test_writes_of_a_lane_are_a_second_apart(world: TellingWorld) -> None:
    for number in range(1, 31):
        world.push(number=number)
    done = 0
    for _ in range(60):
        world.run(1)
        now = len(world.forge.statuses) + len(world.forge.comments)
        assert now <= done + 1
        done = now
    assert done == 60


def test_edits_of_one_comment_are_ten_seconds_apart(world: TellingWorld) -> None:
    world.push()
    world.run()
    times = []
    for second in range(100):
        world.push(f"{second:02d}".ljust(40, "e"))
        before = world.edits()
        world.run(1)
        times += [second] * (world.edits() - before)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert min(gaps) >= EDIT_SECONDS
