"""Reads the environment variables that a Mesos agent sets for an executor."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from driver import library

_NEEDED = ("MESOS_AGENT_ENDPOINT", "MESOS_FRAMEWORK_ID", "MESOS_EXECUTOR_ID")


@dataclasses.dataclass(frozen=True)
class Environment:
    """The MESOS_* variables of an executor; durations are in seconds.

    `checkpoint` is whether the agent knows this executor after a restart. `recovery_timeout` is how
    long to wait for an agent that restarts. `resubscribe_window` is how soon after the agent's
    start we must subscribe again, or it destroys the container.
    """

    agent: str
    framework_id: str
    executor_id: str
    checkpoint: bool
    recovery_timeout: float
    resubscribe_window: float
    token: str | None = dataclasses.field(default=None, repr=False)


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return the settings. Raises ValueError that names everything missing or wrong."""
    problems = [f"{name} is missing" for name in _NEEDED if not environ.get(name)]
    durations = {}
    for name, default in (
        ("MESOS_RECOVERY_TIMEOUT", "15mins"),
        ("MESOS_SUBSCRIPTION_BACKOFF_MAX", "2secs"),
    ):
        text = environ.get(name) or default
        try:
            durations[name] = float(library.parse_duration(text))
        except (AssertionError, TypeError):
            problems.append(f"{name} is not a duration: {text!r}")
    if problems:
        raise ValueError(f"{'; '.join(problems)} (a Mesos agent sets these for an executor)")
    return Environment(
        agent=environ["MESOS_AGENT_ENDPOINT"],
        framework_id=environ["MESOS_FRAMEWORK_ID"],
        executor_id=environ["MESOS_EXECUTOR_ID"],
        # Mesos writes 0 or 1; pymesos takes both as true.
        checkpoint=environ.get("MESOS_CHECKPOINT", "0") not in ("", "0"),
        recovery_timeout=durations["MESOS_RECOVERY_TIMEOUT"],
        resubscribe_window=durations["MESOS_SUBSCRIPTION_BACKOFF_MAX"],
        token=environ.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN") or None,
    )
