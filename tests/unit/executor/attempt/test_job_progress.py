"""executor/attempt/job_progress.py: what a command says about its progress, and when it is read."""

from collections.abc import Sequence

import pytest

from executor.attempt.job_progress import follow, parse
from executor.errors import DockerUnavailable
from prevs.work import Progress


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"40 half way\n", Progress(40, "half way")),
        (b"40", Progress(40, "")),
        (b"40%\n", Progress(40, "")),
        (b"99.6 % nearly", Progress(99, "nearly")),
        (b"\t40\thalf\r\n", Progress(40, "half")),
        (b"half way", Progress(0, "half way")),
        (b"3rd of 7", Progress(0, "3rd of 7")),
        (b"250 too far", Progress(100, "too far")),
        (b"1000 rows", Progress(0, "1000 rows")),
        (b"1 begun\n40 half way\n\n", Progress(40, "half way")),
        (b"40 gr\xc3\xb6\xc3\x9fer \xff", Progress(40, "größer \N{REPLACEMENT CHARACTER}")),
        (b"40 a\x1b[31mb\x00c", Progress(40, "a[31mbc")),
        (b"40 " + b"x" * 500, Progress(40, "x" * 120)),
        (b"", None),
        (b" \n\n", None),
    ],
)
def test_the_last_line_is_a_percentage_and_a_few_words(data: bytes, said: Progress | None) -> None:
    assert parse(data) == said


class File:
    """A progress file that has `contents` in turn; the command ends after the last one."""

    def __init__(self, contents: Sequence[bytes | Exception | None]) -> None:
        self._contents = list(contents)
        self.pauses: list[float] = []

    def read(self) -> bytes | None:
        content = self._contents.pop(0)
        if isinstance(content, Exception):
            raise content
        return content

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return not self._contents


def test_only_a_change_is_reported() -> None:
    file = File([None, b"1 begun", b"1 begun", b"", b"2 more", None, b"2 more"])
    told: list[Progress] = []
    follow(file.read, told.append, file.wait)
    assert told == [Progress(1, "begun"), Progress(2, "more")]


def test_a_file_that_stays_away_is_read_less_and_less_often() -> None:
    file = File([*[None] * 6, b"1", None])
    follow(file.read, lambda progress: None, file.wait)
    assert file.pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 5.0, 10.0]


@pytest.mark.parametrize("error", [DockerUnavailable("it is away"), ZeroDivisionError()])
def test_an_error_ends_nothing(error: Exception) -> None:
    file = File([error, b"1 begun"])
    told: list[Progress] = []
    follow(file.read, told.append, file.wait)
    assert told == [Progress(1, "begun")]
