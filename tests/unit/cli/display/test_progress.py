"""Progress without a terminal."""

from typing import Any, cast

import pytest

from cli.client.generated.records import Preview
from cli.display.progress import Lines
from tests.fakes import answers as fake


def preview(**changes: Any) -> Preview:
    return cast(Preview, fake.preview(**changes))


def test_each_step_is_printed_once_when_it_begins_and_when_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(lambda: 10.0)
    queued, placed = (0.0, 1.0, None), (1.0, 3.0, 2.5)
    waits = preview(steps=fake.steps((0.0, None, None)))
    builds = {"state": "building", "phase": "building"}
    lines.show(waits)
    lines.show(waits)
    lines.show(preview(**builds, steps=fake.steps(queued, placed, (3.0, None, None))))
    step = "2/3 RUN \x1b[2Jmake"
    lines.show(preview(**builds, detail=step, steps=fake.steps(queued, placed, (3.0, None, None))))
    lines.print_message("The connection is lost. Connecting again ...")
    lines.end(preview(state="failed", changed=9.0, steps=fake.steps(queued, (1.0, None, 2.5))))
    assert capsys.readouterr().err.splitlines() == [
        "hello@main (de6b329) waits for an agent",
        "  queued: 1.0 s",
        "  placed: 2.0 s, usually 2.5 s",
        "hello@main (de6b329) builds the image",
        "hello@main (de6b329) builds the image (2/3 RUN make)",
        "The connection is lost. Connecting again ...",
    ]
