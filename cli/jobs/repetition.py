"""A request that is sent again until its answer arrives."""

from collections.abc import Callable
from typing import TypeVar

from cli.client.event_streams import PAUSES, may_pass
from cli.errors import ApiRefused, ApiUnreachable

T = TypeVar("T")

_IN_USE = "idempotency-key-in-use"
"""The same request came before, and has no answer yet."""


def repeat(
    call: Callable[[], T], *, pause: Callable[[float], None], notify: Callable[[str], None]
) -> T:
    """Return what `call` returns; it only reads, or has a key, so that it does nothing twice.

    Raises its last error if it still fails after all PAUSES, and any error that will not pass at
    once. The first failure is told by `notify`.
    """
    for number, seconds in enumerate(PAUSES):
        try:
            return call()
        except (ApiUnreachable, ApiRefused) as exc:
            if not (may_pass(exc) or _is_in_use(exc)):
                raise
        if number == 0:
            notify("There is no answer. Asking again ...")
        pause(seconds)
    return call()


def _is_in_use(error: ApiUnreachable | ApiRefused) -> bool:
    return isinstance(error, ApiRefused) and error.problem.slug == _IN_USE
