"""framework.ports.forges.Forge as a dictionary that people push to."""

from collections.abc import Sequence

from framework.ports.forge_errors import ForgeUnreachable
from framework.ports.forges import Comment, Pull, Pulls


class FakeForge:
    """Every change has a new mark. While `away`, or for the pulls in `lost`, calls fail.

    Without `has_pulls`, pull requests are switched off.
    """

    def __init__(self) -> None:
        self.pulls: dict[int, Pull] = {}
        self.writers: set[str] = set()
        self.said: dict[int, list[Comment]] = {}
        self.away = False
        self.has_pulls = True
        self.lost: set[int] = set()
        self.repository = "7"
        self.owners: dict[int, str] = {}
        self.calls: list[str] = []
        self._changes = 0

    def push(self, number: int, sha: str, *, is_fork: bool = True, author: str = "eve") -> None:
        """Open a pull request, or push to it."""
        self._changes += 1
        self.pulls[number] = Pull(
            number,
            sha,
            f"pull/{number}/head",
            "main",
            is_fork,
            author,
            "Steal",
            float(self._changes),
            f"https://git.example.org/pulls/{number}",
            self.repository,
        )

    def rename(self, repository: str) -> None:
        """Let another repository have the name, one without pull requests."""
        self._changes += 1
        self.repository = repository
        self.pulls.clear()

    def change(self, number: int, *, is_open: bool) -> None:
        """Close a pull request, or open it again."""
        self._changes += 1
        updated = float(self._changes)
        self.pulls[number] = self.pulls[number]._replace(is_open=is_open, updated=updated)

    def comment(self, number: int, author: str, text: str) -> None:
        """Comment a pull request."""
        self._changes += 1
        at = float(self._changes)
        self.said.setdefault(number, []).append(Comment(str(at), author, text, at))
        self.pulls[number] = self.pulls[number]._replace(updated=at)

    def find_repository(self) -> str:
        self._reach("find_repository")
        return self.repository

    def open_pulls(self, mark: str = "") -> Pulls:
        self._reach("open_pulls")
        if not self.has_pulls:
            raise ForgeUnreachable("https://git.example.org/api", "says they cannot be listed")
        own = str(self._changes)
        if mark == own:
            return Pulls((), mark, unchanged=True)
        return Pulls([one for one in self.pulls.values() if one.is_open], own)

    def pull(self, number: int) -> Pull | None:
        self._reach("pull")
        if number in self.lost:
            raise ForgeUnreachable("https://git.example.org/api", "does not answer")
        return self.pulls.get(number)

    def head_owner(self, number: int) -> str:
        self._reach("head_owner")
        return self.owners.get(number, self.pulls[number].author)

    def comments(self, number: int, since: float) -> Sequence[Comment]:
        self._reach("comments")
        return [one for one in self.said.get(number, []) if one.created > since]

    def may_write(self, user: str) -> bool:
        self._reach("may_write")
        return user in self.writers

    def _reach(self, call: str) -> None:
        self.calls.append(call)
        if self.away:
            raise ForgeUnreachable("https://git.example.org/api", "does not answer")
