"""`up` and `down` take turns."""

from pathlib import Path

from local.cluster.turns import Command, turn


def test_who_waits_for_a_turn_learns_for_which_command(tmp_path: Path) -> None:
    seen: list[Command] = []
    first = turn(tmp_path, Command.DOWN, seen.append)
    first.__enter__()

    def wait(other: Command) -> None:
        seen.append(other)
        first.__exit__(None, None, None)

    with turn(tmp_path, Command.UP, wait):
        assert seen == [Command.DOWN]
    with turn(tmp_path, Command.UP, seen.append):
        assert seen == [Command.DOWN], "nobody has the turn any more"
