"""The attempt's log: the sandbox's stdout, which the Mesos UI and the framework show to people."""

import contextlib
import os
import threading


class Output:
    """Writes to a file descriptor, whole and at once. Thread safe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._at_line_start = True

    def write(self, data: bytes) -> None:
        """Append bytes of a build's or an application's output."""
        with self._lock:
            self._append(data)

    def header(self, text: str) -> None:
        """Append a line of our own that tells what follows."""
        with self._lock:
            start = b"" if self._at_line_start else b"\n"
            self._append(start + f"== {text} ==\n".encode(errors="replace"))

    def _append(self, data: bytes) -> None:
        if data:
            self._at_line_start = data.endswith(b"\n")
        # A full disk costs the log, and not the preview.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]
