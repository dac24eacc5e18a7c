"""The attempts of a preview, as the API shows them."""

import enum
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import SHA, example
from framework.http_api.models.preview_models import Agent
from framework.units import ended_attempts
from prevs.records import EndedAttempt, PreviewRecord
from prevs.states import Cause

_ATTEMPT: dict[str, Any] = {
    "number": 2,
    "task_id": f"hello.{SHA}.0a1b2c3d4e",
    "agent": {"id": "f592d1ba-314b-43c2-b185-f8272c4b4746-S0", "host": "127.0.0.1"},
    "began": 1764031200.5,
    "ended": 1764031207.5,
    "reached": "checking",
    "outcome": "failed",
    "cause": "app-exited",
    "exit_code": 1,
    "why": "The app exited with 1.",
    "log_kept": True,
}


class Outcome(enum.Enum):
    """How an attempt ended, or that it has not ended."""

    UNDERWAY = "underway"
    STOPPED = "stopped"
    FAILED = "failed"


class Attempt(BaseModel):
    """One try to run a preview. Times are in seconds since the epoch."""

    model_config = example(_ATTEMPT)

    number: int = Field(description="The first attempt of the preview is 1.")
    task_id: str | None
    agent: Agent | None
    began: float = Field(description="When it was placed.")
    ended: float | None = Field(description="null: it has not ended.")
    reached: str = Field(description="The last step that it reached, or running.")
    outcome: Outcome = Field(description="One that failed may have been tried again.")
    cause: Cause | None
    exit_code: int | None
    why: str = Field(description="Why it ended, cut short if that is long.")
    log_kept: bool = Field(
        description="The framework keeps the end of its log. Otherwise only its agent has it, "
        "as long as it keeps the sandbox."
    )


class Attempts(BaseModel):
    """The current attempt and the last few before it, the newest first."""

    model_config = example({"attempts": [_ATTEMPT]})

    attempts: list[Attempt]


def show_attempts(preview: PreviewRecord, is_kept: Callable[[str], bool]) -> list[Attempt]:
    """Return a preview's attempts, the newest first; `is_kept` returns whether a log is kept."""
    ended = [_show(one, is_kept=is_kept(one.task_id)) for one in reversed(preview.attempts)]
    number = ended_attempts.current(preview)
    return ended if number is None else [_show_current(preview, number), *ended]


def _show(attempt: EndedAttempt, *, is_kept: bool) -> Attempt:
    return Attempt(
        number=attempt.number,
        task_id=attempt.task_id,
        agent=_show_agent(attempt.agent_id, attempt.agent_host),
        began=attempt.began,
        ended=attempt.ended,
        reached=attempt.reached,
        outcome=Outcome.FAILED if attempt.cause else Outcome.STOPPED,
        cause=attempt.cause,
        exit_code=attempt.exit_code,
        why=attempt.why,
        log_kept=is_kept,
    )


def _show_current(preview: PreviewRecord, number: int) -> Attempt:
    return Attempt(
        number=number,
        task_id=preview.task_id,
        agent=_show_agent(preview.agent_id, preview.agent_host),
        began=ended_attempts.find_begin(preview),
        ended=None,
        reached=preview.steps[-1].name if preview.steps else "",
        outcome=Outcome.UNDERWAY,
        cause=None,
        exit_code=None,
        why="",
        log_kept=False,
    )


def _show_agent(agent_id: str | None, host: str | None) -> Agent | None:
    return Agent(id=agent_id, host=host) if agent_id else None
