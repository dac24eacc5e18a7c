"""The errors of pull requests."""

from framework.errors import Conflict, NotFound


class NotApproved(Conflict):
    """A commit of an open pull request that may not be built (now); `why` is a sentence or two."""

    def __init__(self, app: str, number: int, sha: str, why: str) -> None:
        super().__init__(why)
        self.app = app
        self.number = number
        self.sha = sha


class OtherRepository(Conflict):
    """Nothing of an app is built: another repository has its address now. `why` is for people."""

    def __init__(self, app: str, why: str) -> None:
        super().__init__(why)
        self.app = app


class UnknownPull(NotFound):
    """No open pull request of that number."""

    def __init__(self, app: str, number: int) -> None:
        super().__init__(
            f"{app!r} has no open pull request {number}. `prevs pulls {app}` lists them; a new one "
            "appears within a minute, or within ten minutes if its webhook was lost."
        )
        self.app = app
        self.number = number


class NotTheHead(Conflict):
    """An approval of a commit that is not the pull request's head now."""

    def __init__(self, app: str, number: int, sha: str) -> None:
        super().__init__(
            f"The head of pull request {number} is {sha} now. Look at that commit, and then "
            f"approve it by its whole id: `prevs approve {app} {number} --commit {sha}`."
        )
        self.app = app
        self.number = number
        self.sha = sha


class NeedsNoApproval(Conflict):
    """An approval of a commit that is built without one, or never; `why` is a sentence."""

    def __init__(self, app: str, number: int, why: str) -> None:
        super().__init__(why)
        self.app = app
        self.number = number


NOT_LET_THROUGH = (NotApproved, OtherRepository, UnknownPull)
"""What the gate raises for a commit that may not be built (any more)."""
