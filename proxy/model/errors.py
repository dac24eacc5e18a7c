"""The errors of the proxy.

ProxyError
├── PlacementsAway   ZooKeeper does not answer now: the routes stay as they are
├── RouterAway       HAProxy does not answer now: it is being started
│   └── RouterGone   that HAProxy has ended
├── ApiAway          the framework does not answer now: the same call may succeed later
├── ApiRefused       the framework refused a call, with its problem
└── HaproxyFailed    HAProxy cannot be started, with its own output
"""

from proxy.model.problems import Problem


class ProxyError(Exception):
    """str() is a sentence that an operator can act on."""


class PlacementsAway(ProxyError):
    """The placements cannot be read now, or the proxy's record cannot be written."""


class RouterAway(ProxyError):
    """HAProxy's socket does not answer, or its answer is wrong."""


class RouterGone(RouterAway):
    """No HAProxy listens on that socket."""


class ApiAway(ProxyError):
    """The framework cannot be reached, or cannot answer now."""


class ApiRefused(ProxyError):
    """The framework refuses a call; `problem` is its answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class HaproxyFailed(ProxyError):
    """HAProxy ended at its start."""
