"""What counts as an executor at rest."""

import os
import subprocess
import threading
from pathlib import Path

from bench.systems import idle_cost
from tests.waits import wait_until


def test_a_process_that_ends_meanwhile_is_not_counted(tmp_path: Path) -> None:
    environment = {**os.environ, "PREVS_EXECUTOR_DIR": str(tmp_path / "work")}
    rests = subprocess.Popen(["sleep", "60"], env=environment)
    ends = subprocess.Popen(["sleep", "1.3"], env=environment)
    try:
        wait_until(lambda: all(b"sleep" in _program(process) for process in (rests, ends)))
        threading.Thread(target=ends.wait).start()  # it leaves nothing in /proc
        found = idle_cost.measure(str(tmp_path), 0.6)  # one second more for its start
        alone = idle_cost.measure(str(tmp_path), 0.1)
    finally:
        for process in (rests, ends):
            process.kill()
            process.wait()
    assert found.megabytes == alone.megabytes > 0


def _program(process: "subprocess.Popen[bytes]") -> bytes:
    return Path(f"/proc/{process.pid}/cmdline").read_bytes()
