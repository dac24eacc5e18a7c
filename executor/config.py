"""What the agent gives this program: MESOS_* of Mesos, PREVS_* and DOCKER_* of its operator."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from executor.errors import InvalidEnvironment

_DEFAULT_SHUTDOWN_GRACE = 5.0
"""Mesos's own default of --executor_shutdown_grace_period."""

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1.0,
    "mins": 60.0,
    "hrs": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}
_DURATION = re.compile(r"([0-9.]+)(ns|us|ms|secs|mins|hrs|days|weeks)", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of one executor.

    `dir` holds what all attempts of an agent share: mirrors, trees, locks. `cluster` names the
    installation where several share a docker daemon. `shutdown_grace` is in seconds: how long
    the agent waits after SHUTDOWN before it kills this process.
    """

    dir: Path
    cluster: str | None
    shutdown_grace: float


def read_config(environ: Mapping[str, str]) -> Config:
    """Return the settings in `environ`. Raises InvalidEnvironment with every problem."""
    problems = []
    folder = environ.get("PREVS_EXECUTOR_DIR", "")
    if not Path(folder).is_absolute():
        problems.append(
            f"PREVS_EXECUTOR_DIR must be an absolute path, not {folder!r}: set it with the agent's "
            "--executor_environment_variables"
        )
    grace = _DEFAULT_SHUTDOWN_GRACE
    given = environ.get("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "")
    if given:
        parsed = read_duration(given)
        if parsed is None:
            problems.append(f"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD is no duration: {given!r}")
        else:
            grace = parsed
    if problems:
        raise InvalidEnvironment(problems)
    return Config(
        dir=Path(folder),
        cluster=environ.get("PREVS_CLUSTER") or None,
        shutdown_grace=grace,
    )


def read_duration(text: str) -> float | None:
    """Return the seconds of a duration as Mesos writes it (`5secs`, `1.5mins`), or None."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return float(match.group(1)) * _UNITS[match.group(2)]
    except ValueError:
        return None
