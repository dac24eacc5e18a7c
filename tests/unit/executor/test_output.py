"""executor/output.py: the attempt's log."""

import os

from executor.output import Output


def written(*actions: tuple[str, bytes]) -> bytes:
    reader, writer = os.pipe()
    output = Output(writer)
    for kind, data in actions:
        if kind == "header":
            output.header(data.decode())
        else:
            output.write(data)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return file.read()


def test_bytes_are_passed_on_as_they_are() -> None:
    assert written(("write", b"\xff\x00a"), ("write", b"b\n")) == b"\xff\x00ab\n"


def test_a_header_has_a_line_of_its_own() -> None:
    assert written(("header", b"one"), ("write", b"x\n"), ("header", b"two")) == (
        b"== one ==\nx\n== two ==\n"
    )


def test_a_header_ends_a_line_that_was_not_ended() -> None:
    assert written(("write", b"$ "), ("header", b"one")) == b"$ \n== one ==\n"


def test_nothing_written_changes_nothing() -> None:
    assert written(("write", b"x"), ("write", b""), ("header", b"h")) == b"x\n== h ==\n"


def test_a_disk_that_is_full_costs_the_log_only() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    output = Output(full)
    output.write(b"lost")
    output.header("lost too")
    os.close(full)
    assert written(("write", b"kept")) == b"kept"
