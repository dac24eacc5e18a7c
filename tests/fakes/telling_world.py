"""A framework over fakes that says something at a forge when a test lets time pass."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from framework.errors import Unavailable
from framework.events import PullsSeen
from framework.forges.teller import Outlet, Teller
from framework.metrics import TellingMetrics
from framework.ports.forges import Pull
from framework.telling.wording import Wording
from prevs import names
from prevs.pulls import PullRecord
from tests.fakes.clock import FakeClock
from tests.fakes.driven import APP, Driven
from tests.fakes.mishaps import Died
from tests.fakes.store import FakeZnodes
from tests.fakes.telling_forge import FakeTellingForge

A, B, C = (digit * 40 for digit in "abc")
WORDING = Wording(names.addresses("prevs.example", 80), b"key")
MARKER = WORDING.marker("hello", 7)
LONG = 3 * 3600
"""Longer than any pause, in seconds."""


class TellingWorld:
    """A framework that says something when a test lets time pass. It may die and come back."""

    def __init__(self, **changes: object) -> None:
        self.clock, self.znodes = FakeClock(), FakeZnodes()
        self.forge = FakeTellingForge()
        self.subjects: dict[str, str] = {}
        self.begin()
        self.driven.add_app(APP)
        settings = {"pulls": "all", "forge": "github", **changes}
        self.driven.commands.change_app("hello", settings)
        self.driven.commands.set_forge_token("hello", "token")

    def begin(self) -> None:
        """Begin to lead, by what is stored."""
        self.driven = Driven(self.znodes, self.clock)
        self.registry = CollectorRegistry()
        self.teller = Teller(
            lambda _: Outlet(self.forge, "lane"),
            self.driven.step,
            lambda: self.driven.service.snapshot,
            wording=WORDING,
            find_subject=self._find_subject,
            metrics=TellingMetrics(self.registry),
            clock=self.clock.clock.monotonic,
        )

    def _find_subject(self, _: object, sha: str) -> str:
        if sha not in self.subjects:
            raise Unavailable("The repository")
        return self.subjects[sha]

    def see(self, *pulls: Pull) -> None:
        self.driven.step(PullsSeen("hello", pulls))

    def push(self, sha: str = A, **facts: Any) -> None:
        self.see(pull(sha, **facts))

    def close(self, sha: str = A) -> None:
        self.see(pull(sha)._replace(is_open=False))

    def run(self, seconds: int = 60) -> None:
        """Let time pass; a process that dies is replaced."""
        for _ in range(seconds):
            try:
                for turn in self.teller.begin():
                    self.teller.tell(*turn)
            except Died:
                self.begin()
            self.clock.pass_seconds(1)

    @property
    def record(self) -> PullRecord:
        return self.driven.service.snapshot.pulls["hello"][7]

    @property
    def delivery_problems(self) -> Sequence[str]:
        return list(self.driven.service.snapshot.find_look("hello").delivery_problems.values())

    @property
    def text(self) -> str:
        """The text of the one comment."""
        (comment,) = self.forge.of(7)
        return comment.text

    def edits(self) -> int:
        return self.forge.calls.count("edit comment")


def pull(
    sha: str = A,
    *,
    number: int = 7,
    is_fork: bool = False,
    title: str = "Add a cart",
    branch: str = "cart",
) -> Pull:
    ref = f"pull/{number}/head"
    found = Pull(number, sha, ref, "main", is_fork, "eve", title, 1.0, "https://x/7", "7")
    return found._replace(branch=branch)
