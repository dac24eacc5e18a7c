import dataclasses

from executor.log.masked_log import mask
from prevs.log_sources import Source
from prevs.messages import Credential
from prevs.work import Work
from tests.fakes.attempts import MemoryLog
from tests.unit.executor.attempt.test_attempt import ORDER

GIVEN = dataclasses.replace(
    ORDER,
    environment={"MODE": "preview"},
    secrets={"API_KEY": "hunter2", "PIN": "123"},
    credential=Credential("deploy", "hunter3", "-----BEGIN\nkey-of-ssh\n-----END"),
)


def test_only_the_secrets_of_an_order_are_masked() -> None:
    inner = MemoryLog()
    log = mask(inner, GIVEN)
    for piece in (b"hunter2 hunt", b"er3 ", b"key-of-ssh\n", b"deploy preview 123\n"):
        log.write(piece)
    assert inner.data == b"*** *** ***\ndeploy preview 123\n"


def test_the_variables_of_a_job_alone_are_masked_like_secrets() -> None:
    inner = MemoryLog()
    work = Work("k3j9x0q2ab", ("env",), 60.0, environment={"TOKEN": "hunter4"}, payload="NDI=")
    log = mask(inner, dataclasses.replace(ORDER, work=work))
    log.write(b"TOKEN=hunter4 NDI=\n")
    assert inner.data == b"TOKEN=*** NDI=\n"


def test_pending_bytes_are_written_before_a_line_of_ours_and_at_the_end() -> None:
    inner = MemoryLog()
    log = mask(inner, GIVEN)
    log.write(b"hun")
    log.header("starting")
    assert (inner.data, inner.headers) == (b"hun", ["starting"])
    log.write(b"hunt")
    log.flush()
    assert inner.data == b"hunhunt"
    assert inner.flushed


def test_without_secrets_the_log_is_as_it_was() -> None:
    inner = MemoryLog()
    assert mask(inner, ORDER) is inner


def test_a_secret_is_masked_though_each_stream_comes_in_pieces_between_the_others() -> None:
    inner = MemoryLog()
    log = mask(inner, GIVEN)
    for out, err in zip((b"a hun", b"ter2 b"), (b"hunt", b"er3\n"), strict=True):
        log.write(out, Source.STDOUT)
        log.write(err, Source.STDERR)
    log.flush()
    assert (inner.of[Source.STDOUT], inner.of[Source.STDERR]) == (b"a *** b", b"***\n")
