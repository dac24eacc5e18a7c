"""What can go wrong in the proxy, as one family.

ProxyError
├── PlacementsAway   ZooKeeper does not answer now: what is routed stays as it is
├── RouterAway       HAProxy does not answer now: it is being started
│   └── RouterGone   that HAProxy has ended
├── ApiAway          the framework does not answer now: the same call may later
├── ApiRefused       the framework said no, with its problem
└── HaproxyFailed    HAProxy cannot be started, with its own last words
"""

from proxy.model.problems import Problem


class ProxyError(Exception):
    """str() is a sentence that an operator can act on."""


class PlacementsAway(ProxyError):
    """The placements cannot be read, or the proxy's record not be written, now."""


class RouterAway(ProxyError):
    """HAProxy's socket does not answer, or answers what it should not."""


class RouterGone(RouterAway):
    """Nobody listens on that socket of HAProxy's."""


class ApiAway(ProxyError):
    """The framework cannot be reached, or cannot answer now."""


class ApiRefused(ProxyError):
    """The framework refuses a call; `problem` is what it said."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class HaproxyFailed(ProxyError):
    """HAProxy ended at its start."""
