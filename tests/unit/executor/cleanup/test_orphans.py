"""executor/cleanup/orphans.py: what a dead executor leaves, and its removal."""

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from executor.cleanup.orphans import Orphans, clear, end_late, end_marked, remove
from executor.workspace.work_folder import WorkFolder
from tests.fakes.clock import FakeClock
from tests.fakes.served import serving

ATTEMPT = "attempt hello.1.a /var/lib/prevs"


def left(*lines: str) -> Orphans:
    orphans = Orphans()
    for line in lines:
        orphans = orphans.after(line)
    return orphans


def test_the_messages_of_the_executor_show_what_is_left() -> None:
    assert left() == Orphans()
    assert left(ATTEMPT) == Orphans("/var/lib/prevs", "hello.1.a")
    assert left(ATTEMPT, "container c") == Orphans("/var/lib/prevs", "hello.1.a", ("c",))
    assert left(ATTEMPT, "container c", "gone c") == Orphans("/var/lib/prevs", "hello.1.a")


def test_each_container_is_left_until_it_is_gone_itself() -> None:
    both = ("container c", "container d")
    assert left(*both).containers == ("c", "d")
    assert left(*both, "gone c").containers == ("d",)
    assert left(*both, "container c", "gone d", "gone c").containers == ()


def test_a_build_is_tracked_until_it_has_ended_by_itself() -> None:
    assert left(ATTEMPT, "building").is_building
    assert not left(ATTEMPT, "building", "built").is_building
    assert left(ATTEMPT, "building", "built", "container c").containers == ("c",)


def test_the_network_of_an_attempt_is_left_until_all_of_it_is() -> None:
    assert left(ATTEMPT, "network n", "container c", "gone c").network == "n"
    assert left(ATTEMPT, "network n").containers == ()


def test_processes_that_start_late_are_killed_for_a_while() -> None:
    clock = FakeClock(0.0)
    sent: list[signal.Signals] = []

    def kill(number: signal.Signals) -> bool:
        sent.append(number)
        return False

    end_late(kill, now=clock.read, sleep=clock.pass_seconds)
    assert clock.read() == 15.0
    assert set(sent) == {signal.SIGKILL}
    assert len(sent) == 60


def test_a_folder_may_have_spaces_in_its_path() -> None:
    assert left("attempt hello.1.a /srv/our agents/prevs").folder == "/srv/our agents/prevs"


def answers(first: Sequence[int | None], then: int | None) -> Iterator[int | None]:
    yield from first
    while True:
        yield then


@pytest.mark.parametrize(
    ("first", "then", "seconds"),
    [
        ([204], None, 0.0),
        # Docker was away.
        ([None] * 120 + [204], None, 120.0),
        # It was busy, and had not created it yet.
        ([404] * 8 + [409] * 4 + [500] * 4 + [204], None, 4.0),
        # It never was created; the time for that begins when docker answers.
        ([], 404, 15.0),
        ([None] * 60, 404, 75.0),
        # It was being removed by somebody else.
        ([409] * 8, 404, 17.0),
    ],
)
def test_the_removal_of_a_container_is_repeated_until_it_is_gone(
    first: list[int | None], then: int | None, seconds: float
) -> None:
    clock, script = FakeClock(0.0), answers(first, then)
    assert remove(lambda: next(script), now=clock.read, sleep=clock.pass_seconds)
    assert clock.read() == seconds


def test_a_daemon_that_stays_away_is_given_up() -> None:
    clock = FakeClock(0.0)
    assert not remove(lambda: None, now=clock.read, sleep=clock.pass_seconds)
    assert clock.read() == 600.0


def test_processes_that_do_not_end_by_themselves_are_killed() -> None:
    clock = FakeClock(0.0)
    got: list[signal.Signals] = []

    def signal_them(number: signal.Signals) -> bool:
        got.append(number)
        return number != signal.SIGKILL

    assert end_marked(signal_them, now=clock.read, sleep=clock.pass_seconds)
    assert set(got[:-1]) == {signal.SIGTERM}
    assert got[-1] == signal.SIGKILL


def test_processes_that_survive_sigkill_are_given_up() -> None:
    clock = FakeClock(0.0)
    assert not end_marked(lambda _: True, now=clock.read, sleep=clock.pass_seconds)
    assert 3.0 < clock.read() < 30.0


def test_an_attempt_without_a_container_leaves_no_traces(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    os.close(folder.hold("a"))
    folder.tree("a").mkdir(parents=True)
    clear(Orphans(str(tmp_path), "a"), b"PREVS_GUARDED=nobody", {})
    assert folder.tasks() == []
    assert not folder.tree("a").exists()


def test_all_containers_are_removed_and_then_the_files(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    os.close(folder.hold("a"))
    asked: list[str] = []

    async def remove_container(request: Request) -> Response:
        asked.append(f"{request.method} {request.url.path}")
        assert folder.tasks() == ["a"]
        return Response(status_code=204)

    docker = Starlette(routes=[Route("/containers/{name}", remove_container, methods=["DELETE"])])
    with serving(docker) as address:
        environ = {"DOCKER_HOST": address.replace("http", "tcp")}
        clear(Orphans(str(tmp_path), "a", ("c", "d")), b"PREVS_GUARDED=nobody", environ)
    assert asked == ["DELETE /containers/c", "DELETE /containers/d"]
    assert folder.tasks() == []
