"""executor/companions/prefixed_log.py: lines with the name of the companion that wrote them."""

from executor.companions.prefixed_log import PrefixedLog
from executor.log.masked_log import mask
from prevs.log_sources import Source
from tests.fakes.attempts import MemoryLog
from tests.integration.docker.attempts import order


def test_each_line_gets_the_name_however_it_is_cut() -> None:
    log = MemoryLog()
    db = PrefixedLog(log, "db")
    for piece in (b"one\ntw", b"o\n", b"\nthr", b"ee"):
        db.write(piece)
    assert log.data == b"db | one\ndb | two\ndb | \n"
    db.flush()
    db.flush()
    assert log.data.endswith(b"db | three\n")


def test_a_line_without_an_end_is_not_kept_for_good() -> None:
    log = MemoryLog()
    db = PrefixedLog(log, "db")
    for _ in range(3):
        db.write(b"x" * 10_000)
    assert log.data == b"db | " + b"x" * 20_000 + b"\n"


def test_a_secret_is_masked_although_others_write_between_its_pieces() -> None:
    log = MemoryLog()
    wanted = order("hello", "ab" * 20, secrets={"KEY": "a-secret-text"})
    app = mask(log, wanted)
    db = mask(PrefixedLog(log, "db"), wanted)
    db.write(b"it is a-sec")
    app.write(b"hello\n")
    db.write(b"ret-text\n")
    assert log.data == b"hello\ndb | it is ***\n"


def test_lines_of_both_streams_stay_whole_and_each_keeps_its_stream() -> None:
    inner = MemoryLog()
    log = PrefixedLog(inner, "db")
    log.write(b"is re", Source.STDOUT)
    log.write(b"no ", Source.STDERR)
    log.write(b"ady\n", Source.STDOUT)
    log.write(b"disk", Source.STDERR)
    log.flush()
    assert inner.of[Source.STDOUT] == b"db | is ready\n"
    assert inner.of[Source.STDERR] == b"db | no disk\n"
