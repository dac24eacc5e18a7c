"""What pull requests hear of the stacks of their app, through the service, over fakes."""

import dataclasses

import pytest

from framework import events
from framework.ports import Heads
from framework.stacks.written_stack import WrittenStack
from prevs.stacks import Member
from tests.fakes.driven import APP
from tests.fakes.telling_world import LONG, A, B, C, TellingWorld

SHOP = "[cart--shop.prevs.example](http://cart--shop.prevs.example/)"


@pytest.fixture
def world() -> TellingWorld:
    return TellingWorld()


def write_stack(world: TellingWorld) -> None:
    """Make a stack of the app and another one, whose entry is the other one."""
    world.driven.add_app(dataclasses.replace(APP, name="web"))
    members = {"web": Member("web", "main"), "hello": Member("hello", "main")}
    world.driven.stack_commands.write("shop", WrittenStack("web", members), by="ada")


def fetch(world: TellingWorld, app: str = "hello", **branches: str) -> None:
    """Let an app's repository have these branches beside main."""
    world.driven.step(events.HeadsFetched(app, Heads({"main": C, **branches})))


def test_a_pull_request_hears_the_address_of_the_stack_that_has_its_branch(
    world: TellingWorld,
) -> None:
    write_stack(world)
    world.push()
    world.run()
    assert "--shop" not in world.text
    fetch(world, cart=A)
    world.run()
    assert f"**shop** · {SHOP} shows it with the other apps of that stack\n" in world.text
    assert world.edits() == 1
    world.push(B)
    fetch(world, cart=B)
    world.run()
    assert (SHOP in world.text, world.edits()) == (True, 2), "the branch has moved on"
    calls = list(world.forge.calls)
    world.begin()
    world.run(LONG)
    assert world.forge.calls == calls, "the next leader knows it, before it has read any branch"


def test_a_variant_that_is_closed_is_no_longer_in_the_comment(world: TellingWorld) -> None:
    write_stack(world)
    world.push()
    fetch(world, cart=A)
    world.run()
    assert SHOP in world.text
    fetch(world)
    world.run()
    assert "--shop" not in world.text
    assert world.edits() == 1
    world.run(LONG)
    assert world.edits() == 1


def test_a_fork_hears_of_no_stack(world: TellingWorld) -> None:
    write_stack(world)
    fetch(world, "web", cart=A)
    world.push(is_fork=True)
    fetch(world, cart=A)
    world.driven.commands.approve("hello", 7, A, by="ada")
    world.run()
    assert "--shop" not in world.text


def test_a_comment_that_stays_says_when_the_stack_has_it() -> None:
    world = TellingWorld(forge="pagure")
    write_stack(world)
    world.push()
    world.run()
    text = world.text
    assert f"{SHOP} shows it with the other apps of that stack, while its variant is open" in text
    fetch(world, cart=A)
    world.push(B)
    fetch(world, cart=B)
    world.run()
    assert (world.text, world.edits()) == (text, 0)
