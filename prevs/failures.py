"""Why attempts fail, in the records of previews and jobs."""

import dataclasses
from typing import Optional

from prevs.states import Cause


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A mistake in a line (from 1) of a commit's .prevs.toml or compose file, and the next step."""

    line: int
    message: str


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why an attempt failed, as a sentence for people and a cause for programs.

    `mistakes` are those in one file of the commit's settings, if they are the reason; the message
    names it.
    """

    cause: Cause
    message: str
    exit_code: Optional[int] = None
    mistakes: tuple[Mistake, ...] = ()
