"""What a supervisor tells of its steps, as JSON lines in a file that `up` and `down` follow."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Step:
    """One line. `state` is starting, slow, ready, stopping, stopped or failed for a part, or up or
    down.

    The last two are of the whole; slow is a start that goes on. `seconds` counts from the start of
    the part (of everything, for up and down). `detail` is where it answers, or why it failed;
    `advice` what to do about that.
    """

    name: str
    state: str
    seconds: float = 0.0
    detail: str = ""
    advice: str = ""


def tell(file: Path, step: Step) -> None:
    """Add a line."""
    with file.open("a") as out:
        out.write(json.dumps(dataclasses.asdict(step)) + "\n")


def follow(file: Path, wait: Callable[[], bool]) -> Iterator[Step]:
    """Yield the steps in a file from its beginning, and those that come.

    `wait` is called when there is no more for now; once it answers False, this ends after what has
    come in the meantime.
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
