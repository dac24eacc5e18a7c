from pathlib import Path

from local.cluster.progress import Step, append, follow


def test_a_follower_sees_the_steps_from_the_beginning_and_those_that_come(tmp_path: Path) -> None:
    file = tmp_path / "progress"
    first, second = Step("zookeeper", "ready", 0.5, "127.0.0.1:1"), Step("cluster", "up")
    waits = iter([True, True, False])

    def wait() -> bool:
        going_on = next(waits)
        append(file, first if not file.exists() else second)
        return going_on

    assert list(follow(file, wait)) == [first, second, second]


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file, whole = tmp_path / "progress", tmp_path / "whole"
    append(whole, Step("proxy", "ready"))
    line = whole.read_text()
    pieces = iter([line[:9], line[9:]])

    def wait() -> bool:
        with file.open("a") as out:
            out.write(next(pieces))
        return file.read_text() != line

    assert list(follow(file, wait)) == [Step("proxy", "ready")]


def test_a_progress_file_that_is_never_written_has_no_steps(tmp_path: Path) -> None:
    assert list(follow(tmp_path / "none", lambda: False)) == []
