"""The progress of a supervisor: JSON lines in a file that `up` and `down` follow."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Step:
    """One line. `state` is starting, slow, ready, stopping, stopped or failed for a part, or up or
    down.

    `up` and `down` are about the whole cluster; slow is a start that still goes on. `seconds`
    counts from the start of the part (of everything, for up and down). `detail` is its address, or
    why it failed; `advice` is the next step.
    """

    name: str
    state: str
    seconds: float = 0.0
    detail: str = ""
    advice: str = ""


def append(file: Path, step: Step) -> None:
    """Append a step to a progress file."""
    with file.open("a") as out:
        out.write(json.dumps(dataclasses.asdict(step)) + "\n")


def follow(file: Path, wait: Callable[[], bool]) -> Iterator[Step]:
    """Yield the steps of a file from its beginning, and new ones as they come.

    Calls `wait` when there are no more for now; once `wait` returns False, yields what has come
    meanwhile, and ends.
    """
    offset = 0
    going_on = True
    while going_on:
        going_on = wait()
        try:
            with file.open("rb") as lines:
                lines.seek(offset)
                data = lines.read()
        except FileNotFoundError:
            continue
        whole = data[: data.rfind(b"\n") + 1]
        offset += len(whole)
        for line in whole.splitlines():
            yield Step(**json.loads(line))
