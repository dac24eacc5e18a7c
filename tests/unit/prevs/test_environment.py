import os
import subprocess
from pathlib import Path

import pytest

from prevs.environment import read_environment

_AGAIN = '[ "$1" -gt 0 ] && exec sh -c "$0" "$0" "$(($1 - 1))"; exec sleep 60'


def test_a_process_has_its_environment_while_it_executes_another_program() -> None:
    process = subprocess.Popen(["sh", "-c", _AGAIN, _AGAIN, "1000"], env={**os.environ, "M": "1"})
    folder = Path(f"/proc/{process.pid}")
    try:
        while (folder / "cmdline").read_bytes() != b"sleep\x0060\x00":
            assert b"M=1" in read_environment(folder)
    finally:
        process.kill()
        process.wait()


def test_a_process_that_has_ended_has_no_environment() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(FileNotFoundError):
        read_environment(Path(f"/proc/{process.pid}"))
