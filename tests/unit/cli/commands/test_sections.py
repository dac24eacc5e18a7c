"""The hint for a command that has another name in other programs."""

import pytest

from cli.__main__ import main


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("app", "remove", "shop"), "rm"),
        (("app", "delete", "shop"), "rm"),
        (("app", "list"), "ls"),
        (("app", "create", "shop"), "add"),
        (("token", "remove", "ci"), "rm"),
        (("list",), "ls"),
        (("app", "ad"), "add"),
    ],
)
def test_for_a_name_of_other_programs_ours_is_suggested(
    given: tuple[str, ...], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given, {}) == 2
    assert f"Did you mean {meant!r}?" in capsys.readouterr().err


def test_a_group_without_such_a_command_suggests_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(("delete",), {}) == 2
    assert "Did you mean" not in capsys.readouterr().err
