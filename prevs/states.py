"""The states of a preview, the phases of an attempt, and the causes of failures."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """A preview's state; the table in framework/units/lifecycle.py has the legal changes."""

    QUEUED = "queued"  # waits for an attempt; no offer was accepted for it yet
    PLACED = "placed"  # an attempt's task was sent to an agent
    BUILDING = "building"  # the executor fetches the commit or builds its image
    STARTING = "starting"  # the container runs, the health check has not passed yet
    RUNNING = "running"  # the health check passed; a placement exists
    DRAINING = "draining"  # its placement is gone, its task is being ended
    STOPPED = "stopped"  # no task; the next request for it starts it again
    FAILED = "failed"  # no task; stays so, with a reason, until a retry


class Phase(enum.Enum):
    """What an executor is doing, by its TaskReport."""

    FETCHING = "fetching"
    BUILDING = "building"
    STARTING = "starting"
    CHECKING = "checking"
    RUNNING = "running"
    ENDED = "ended"


class Cause(enum.Enum):
    """Why a preview or a job failed. The values are part of the API: they never change meaning.

    A cause that a later version added is read as EXECUTOR_FAILED: the failure's sentence explains
    it, and a record that cannot be read would be lost (docs/decisions/0134-first-release.md).
    """

    REPOSITORY_UNREACHABLE = "repository-unreachable"
    COMMIT_MISSING = "commit-missing"
    DOCKERFILE_MISSING = "dockerfile-missing"
    BUILD_FAILED = "build-failed"
    START_FAILED = "start-failed"
    APP_EXITED = "app-exited"
    NEVER_LISTENED = "never-listened"
    UNHEALTHY = "unhealthy"
    OUT_OF_MEMORY = "out-of-memory"
    DOCKER_UNAVAILABLE = "docker-unavailable"
    TASK_LOST = "task-lost"
    TASK_REJECTED = "task-rejected"
    EXECUTOR_FAILED = "executor-failed"
    SETTINGS_INVALID = "settings-invalid"
    HOOK_FAILED = "hook-failed"
    DISK_FULL = "disk-full"
    COMMIT_TOO_LARGE = "commit-too-large"
    AGENT_UNFIT = "agent-unfit"
    REGISTRY_UNREACHABLE = "registry-unreachable"
    AGENT_OPEN = "agent-open"
    TIMED_OUT = "timed-out"
    EXPIRED = "expired"
    RESULT_UNUSABLE = "result-unusable"
    COMPANION_FAILED = "companion-failed"
    PREVIEW_STOPPED = "preview-stopped"

    @classmethod
    def _missing_(cls, value: object) -> Cause | None:
        return cls.EXECUTOR_FAILED if isinstance(value, str) else None


ATTEMPTED = frozenset({State.PLACED, State.BUILDING, State.STARTING, State.RUNNING})
"""The states in which a preview has an attempt that is not to end."""

ACTIVE = frozenset(
    {State.QUEUED, State.PLACED, State.BUILDING, State.STARTING, State.RUNNING, State.DRAINING}
)
"""The states in which a preview holds, or is about to hold, resources."""
