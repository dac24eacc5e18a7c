"""`prevs events`, as a list and followed, against an API on a real socket."""

import json

import pytest

from tests.fakes import api as fake
from tests.integration.cli.running import Run

pytestmark = pytest.mark.integration


def told(number: int, **changes: object) -> bytes:
    event = fake.event_of(number, **changes)
    return f"event: preview\nid: {event['id']}\ndata: {json.dumps(event)}\n\n".encode()


def ends(world: fake.World) -> fake.Later:
    """In a stream: the API takes no more calls for events."""

    def refuse() -> bytes:
        world.refusals["GET", "/v1/events"] = fake.problem("unauthorized", 401, "No more.")
        return b""

    return fake.Later(refuse)


def test_what_has_happened_is_listed_with_the_latest_last(world: fake.World, run: Run) -> None:
    world.events = [fake.event_of(number) for number in (3, 2, 1)]
    done = run("events")
    assert [line.partition("  ")[2] for line in done.out.splitlines()] == [
        f"main of hello runs ({number})" for number in (1, 2, 3)
    ]
    assert json.loads(run("events", "--json").out) == world.events
    short = run("events", "--limit", "1")
    assert short.out.endswith("(3)\n")
    assert "--limit 4" in short.err


def test_nothing_has_happened_says_how_to_wait_for_something(run: Run) -> None:
    done = run("events")
    assert (done.status, done.out) == (0, "")
    assert "prevs events -f" in done.err


def test_what_happens_is_followed_over_connections_that_break(world: fake.World, run: Run) -> None:
    world.events = [fake.event_of(1)]
    reset = b"event: reset\nid: n-1\ndata: {}\n\n"
    sly = told(3, sentence="\x1b]0;x\x07failed", state="failed")
    world.streams = [
        [told(2), fake.Drop()],
        [reset, sly, ends(world), fake.Drop()],
    ]
    done = run("events", "-f")
    said = [line.partition("  ")[2] for line in done.out.splitlines()]
    assert said == ["main of hello runs (1)", "main of hello runs (2)", "failed"]
    assert world.resumed_after == ["e-1", "e-2"]
    assert "in between" in done.err
    assert done.status == 1


def test_what_happens_comes_as_a_line_of_json_each(world: fake.World, run: Run) -> None:
    world.streams = [[told(1), told(2), ends(world), fake.Drop()]]
    out = run("events", "-f", "--json").out
    assert [json.loads(line) for line in out.splitlines()] == [fake.event_of(1), fake.event_of(2)]
