"""Every command that removes something asks first, and can be told not to."""

from collections.abc import Iterator

import click
import pytest

from cli.__main__ import prevs
from cli.names.arguments import confirm

REMOVES = {"rm", "unset", "close", "reset"}


def list_commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command of a group, and of the groups in it, with its words."""
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from list_commands(command, words)
        else:
            yield words, command


REMOVALS = {
    words: command for words, command in list_commands(prevs) if words.split()[-1] in REMOVES
}


def test_all_commands_that_remove_are_known() -> None:
    groups = ("app", "gate", "stack", "token", "role", "pass", "schedule", "notify", "forge")
    assert {f"{group} rm" for group in groups} == {one for one in REMOVALS if one.endswith("rm")}
    assert {"env unset", "credential unset", "stack close", "data reset"} <= REMOVALS.keys()


@pytest.mark.parametrize("words", REMOVALS)
def test_a_command_that_removes_takes_yes_and_says_that_it_asks(words: str) -> None:
    command = REMOVALS[words]
    assert {"--yes", "-y"} <= {opt for one in command.params for opt in one.opts}
    assert "asks for confirmation" in " ".join((command.help or "").split())


def test_without_a_terminal_the_question_is_refused_and_what_goes_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(click.UsageError, match=r"Remove shop\? Nobody is there .* add --yes"):
        confirm("Remove shop?", "This also removes the gate \x1b[2Japi.")
    printed = capsys.readouterr()
    assert (printed.out, "This also removes the gate" in printed.err) == ("", True)
    assert "\x1b" not in printed.err
