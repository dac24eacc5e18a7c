"""framework.ports.telling.TellingForge in memory. The doubles in forges/ have the real dialects.

tests/contract/test_telling_forges.py has the same cases at the clients of real dialects.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from framework.ports.forge_errors import ForgeError, ForgeRefused, ForgeUnreachable
from framework.ports.telling import Deployment, Status
from tests.fakes.mishaps import Mishaps

T = TypeVar("T")
API = "https://git.example.org/api"


@dataclasses.dataclass
class Said:
    """A comment, and the texts that it had before."""

    id: str
    number: int
    text: str
    before: list[str] = dataclasses.field(default_factory=list)


class FakeDeployments:
    """Deployments: each has an id, what it is of, and its statuses."""

    def __init__(self, forge: "FakeTellingForge") -> None:
        self._forge = forge
        self.made: dict[str, tuple[Deployment, list[Status]]] = {}

    def find(self, deployment: Deployment) -> str:
        found = [name for name, (of, _) in self.made.items() if of == deployment]
        return self._forge.reach("find deployment", lambda: found[-1] if found else "")

    def add(self, deployment: Deployment) -> str:
        name = f"d{len(self.made) + 1}"

        def act() -> str:
            self.made[name] = (deployment, [])
            return name

        return self._forge.reach("add deployment", act)

    def set(self, deployment: str, status: Status) -> None:
        self._forge.reach("set deployment", lambda: self.made[deployment][1].append(status))


class FakeTellingForge:
    """Remembers what was said. `refuse` returns the error of a call; `mishaps` has fates of calls.

    `calls` are the calls that came, by name.
    """

    def __init__(self, mishaps: Mishaps | None = None) -> None:
        self.comments: list[Said] = []
        self.statuses: list[Status] = []
        self.deployments = FakeDeployments(self)
        self.mishaps = mishaps or Mishaps()
        self.refuse: Callable[[str], ForgeError | None] = lambda _: None
        self.calls: list[str] = []
        self._ids = 100

    def of(self, number: int) -> list[Said]:
        """Return the comments of a pull request."""
        return [one for one in self.comments if one.number == number]

    def status(self, sha: str) -> Status | None:
        """Return the last status of a commit."""
        return next((one for one in reversed(self.statuses) if one.sha == sha), None)

    def find_comment(self, number: int, marker: str) -> str:
        found = [one.id for one in self.of(number) if one.text.startswith(marker)]
        return self.reach("find comment", lambda: found[0] if found else "")

    def add_comment(self, number: int, text: str) -> str:
        self._ids += 1
        made = Said(str(self._ids), number, text)
        self.reach("add comment", lambda: self.comments.append(made))
        return made.id

    def edit_comment(self, number: int, comment: str, text: str) -> bool:
        def act() -> bool:
            known = next((one for one in self.comments if one.id == comment), None)
            if known is None:
                return False
            known.before.append(known.text)
            known.text = text
            return True

        return self.reach("edit comment", act)

    def set_status(self, number: int, status: Status) -> None:
        self.reach("set status", lambda: self.statuses.append(status))

    def reach(self, call: str, act: Callable[[], T]) -> T:
        """Do a call, as its fate and `refuse` allow."""
        self.calls.append(call)
        if error := self.refuse(call):
            raise error
        refused = ForgeRefused(API, 403, "The token may not.", "Give it the right.")
        unknown = ForgeUnreachable(API, "has not answered within 10 s")
        return self.mishaps.carry_out(act, refused=refused, unknown=unknown)
