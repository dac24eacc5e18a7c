"""Parts of a cluster that run for as long as a test needs them."""

import contextlib
from collections.abc import Iterable, Iterator

from local.parts.part import Part, bring_up


@contextlib.contextmanager
def running(parts: Iterable[Part]) -> Iterator[None]:
    """Start each once the one before it is ready; stop them in reverse. Raises LocalError."""
    with contextlib.ExitStack() as stack:
        for part in parts:
            bring_up(part)
            stack.callback(part.stop)
        yield
