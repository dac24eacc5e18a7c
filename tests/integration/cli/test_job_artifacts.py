"""`prevs job artifacts` and `prevs job get`, against an API on a real socket."""

import json
from pathlib import Path

import pytest

from tests.fakes.jobs_api import NOW, JobsApi
from tests.fakes.sandboxes import artifact_files
from tests.integration.cli.command_runs import Run, on_terminal

pytestmark = pytest.mark.integration

FILES = {"report.csv": b"1;2\n", "a/gr\u00f6\u00dfe & 'x' 100 %.bin": bytes(range(256)) * 8000}
NAMED = "a/gr\u00f6\u00dfe & 'x' 100 %.bin"


@pytest.fixture
def api() -> JobsApi:
    return JobsApi()


@pytest.fixture
def job(api: JobsApi, run: Run) -> str:
    """A job that has left FILES."""
    job_id = run("job", "start", "hello", "main", "--job", "report").out.strip()
    api.work("")
    api.succeed()
    api.sandboxes.files[api.known[job_id].task_id or ""] = artifact_files(FILES)
    return job_id


def read_all(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_files_are_listed_with_their_sizes(api: JobsApi, run: Run, job: str) -> None:
    done = run("job", "artifacts", "hello", job[:6])
    assert done.status == 0
    assert done.out.splitlines()[0].split() == ["PATH", "BYTES"]
    assert [line.split()[-1] for line in done.out.splitlines()[1:]] == ["2,048,000", "4"]
    assert "Attempt 1 has left them. Its agent keeps them for some days." in done.err
    api.sandboxes.keeps = -NOW
    assert "may remove them at any time" in run("job", "artifacts", "hello", job).err
    shown = json.loads(run("job", "artifacts", "hello", job, "--json").out)
    assert [one["path"] for one in shown["artifacts"]] == sorted(FILES)


def test_a_file_is_downloaded_and_overwritten_only_by_force(
    run: Run, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("job", "get", "hello", job, NAMED)
    assert (done.status, done.out) == (0, "")
    assert read_all(tmp_path) == {NAMED[2:]: FILES[NAMED]}
    (tmp_path / NAMED[2:]).write_bytes(b"mine")
    again = run("job", "get", "hello", job, NAMED)
    assert again.status == 1
    assert "is there already" in again.err
    assert read_all(tmp_path) == {NAMED[2:]: b"mine"}
    assert run("job", "get", "hello", job, NAMED, "--force").status == 0
    assert run("job", "get", "hello", job, "report.csv", "-o", str(tmp_path / "r")).status == 0
    assert read_all(tmp_path) == {NAMED[2:]: FILES[NAMED], "r": b"1;2\n"}


def test_all_files_come_into_a_folder(run: Run, job: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = run("job", "get", "hello", job, "--all", str(folder))
    assert done.status == 0
    assert f"2 files are in {folder}, with 2,048,004 bytes." in done.err
    assert read_all(folder) == FILES
    again = run("job", "get", "hello", job, "--all", str(folder))
    assert (again.status, "--force" in again.err) == (1, True)
    assert run("job", "get", "hello", job, "--all", str(folder), "--force").status == 0


def test_stdout_gets_the_bytes_and_a_terminal_text_without_commands(
    api: JobsApi, run: Run, job: str, environ: dict[str, str]
) -> None:
    assert run("job", "get", "hello", job, "report.csv", "-o", "-").out == "1;2\n"
    hostile = artifact_files({"a.txt": b"one\x1b]0;title\x07 two"})
    api.sandboxes.files[api.known[job].task_id or ""] = hostile
    shown = on_terminal(["job", "get", "hello", job, "a.txt", "-o", "-"], environ)
    assert "one two" in shown
    assert "title" not in shown


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((), "Give either the PATH of a file, or --all DIR."),
        (("x", "--all", "y"), "Give either the PATH of a file, or --all DIR."),
        (("--all", "y", "-o", "-"), "Use one of --output and --all."),
    ],
)
def test_wrong_use_downloads_nothing(
    api: JobsApi, run: Run, args: tuple[str, ...], why: str
) -> None:
    done = run("job", "get", "hello", "a" * 16, *args)
    assert (done.status, why in done.err) == (2, True)
    assert api.requests == []


def test_what_is_not_there_is_said_with_the_next_step(
    api: JobsApi, run: Run, job: str, tmp_path: Path
) -> None:
    lists = f"`prevs job artifacts hello {job}` lists"
    for path in ("other", "../result", "a"):
        done = run("job", "get", "hello", job, path, "-o", str(tmp_path / "x"))
        assert (done.status, lists in done.err) == (1, True), done.err
    api.sandboxes.files.clear()
    gone = run("job", "artifacts", "hello", job)
    assert (gone.status, f"prevs job retry hello {job}" in gone.err) == (1, True)
    api.sandboxes.files[api.known[job].task_id or ""] = {}
    nothing = run("job", "artifacts", "hello", job)
    assert (nothing.status, nothing.out) == (0, "")
    assert "has left no files" in nothing.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_off_is_not_kept(
    api: JobsApi, run: Run, job: str, tmp_path: Path
) -> None:
    api.sandboxes.breaks_after = 1_000_000
    done = run("job", "get", "hello", job, "--all", str(tmp_path / "new"))
    assert done.status == 1
    assert "does not answer" in done.err
    assert read_all(tmp_path) == {}
