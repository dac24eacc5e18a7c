"""The wait until proxies know a variant."""

from typing import Any, cast

import pytest

from cli.client.generated.records import StackVariant
from cli.command_context import CommandContext
from cli.stacks.variant_commands import await_proxies


class Waiting(CommandContext):
    """A command whose pauses take no time; each call has the next one of some answers."""

    def __init__(self, *behind: int | None) -> None:
        super().__init__({})
        self._answers = list(behind)
        self._now = 0.0
        self.__dict__["api"] = self

    def now(self) -> float:
        return self._now

    def pause(self, seconds: float) -> None:
        self._now += seconds

    def show_variant(self, stack: str, variant: str) -> StackVariant:
        assert (stack, variant) == ("shop", "x")
        return opened(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


def opened(behind: int | None) -> StackVariant:
    fields: dict[str, Any] = {"stack": "shop", "name": "x", "behind": behind}
    return cast(StackVariant, fields)


@pytest.mark.parametrize(
    ("answers", "last", "took"), [([2, 1, 0], 0, 1.5), ([0], 0, 0.5), ([1], 1, 10.0)]
)
def test_it_waits_until_all_proxies_know_it_or_for_ten_seconds(
    answers: list[int], last: int, took: float
) -> None:
    context = Waiting(*answers)
    assert await_proxies(context, opened(None))["behind"] == last
    assert context.now() == took


def test_it_does_not_ask_if_all_know_it() -> None:
    context = Waiting()
    assert await_proxies(context, opened(0))["behind"] == 0
    assert context.now() == 0.0
