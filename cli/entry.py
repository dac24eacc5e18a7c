"""The program `prevs`: an interrupt while it still loads is answered with a sentence, too.

Loading takes a third of a second, and more on a busy machine.
"""

import os
import signal
import sys
from types import FrameType

_INTERRUPTED = 130  # 128 + SIGINT, as in a shell
_SENTENCE = "Interrupted before it began; nothing was done.\n"


def main() -> int:
    """Load the commands, run one, and return its exit status."""
    # Where interrupts are ignored, as in the background of a shell, they stay so.
    reacts = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if reacts:
        signal.signal(signal.SIGINT, _end)
    from cli.__main__ import main as run

    if reacts:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), _SENTENCE.encode())
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
