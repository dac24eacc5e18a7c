"""Make the example's git repository: some commits, a branch and a tag, each with a page of its own.

    python examples/hello/make_repository.py FOLDER [--with-failures]

Its images need no registry: they hold Debian's busybox-static and a page. Commit ids are the same
everywhere as long as busybox is the same. An existing repository stays as it is, with all commits
of people.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

SERVE = "exec /bin/busybox httpd -f -p ${PORT:-8080} -h /www"
FIRST_COMMIT = 1_700_000_000  # seconds since the epoch; each commit is an hour after the last


class Version(NamedTuple):
    """A commit of the example: its page, and the end of its Dockerfile (empty: no Dockerfile)."""

    subject: str
    text: str
    colour: str = "#f4f4f4"
    ending: str = f'CMD ["/bin/busybox", "sh", "-c", "{SERVE}"]'


MAIN = (
    Version("Say hello", "Hello."),
    Version("Greet the world", "Hello, world!"),
    Version("Add some colour", "Hello, world, in colour!", "#fff3c4"),
    Version("Be polite", "Good day, world!", "#d8f3dc"),
    Version("Be brief", "Hi!", "#cfe8ff"),
)
TAGGED = {"Greet the world": "v1"}
BRANCH = ("feature/dark", Version("Go dark", "Good night, world!", "#333366"))
FAILURES = {
    "broken-dockerfile": Version(
        "Break the build",
        "Nobody sees this.",
        ending='RUN ["/bin/busybox", "sh", "-c", "echo This build fails on purpose.; exit 7"]',
    ),
    "exits": Version(
        "Exit at once",
        "Nobody sees this.",
        ending='CMD ["/bin/busybox", "sh", "-c", "echo This app exits on purpose.; exit 3"]',
    ),
    "never-listens": Version(
        "Listen to nobody",
        "Nobody sees this.",
        ending='CMD ["/bin/busybox", "sleep", "9999"]',
    ),
    "unhealthy": Version(
        "Answer 404 to everything",
        "Nobody sees this.",
        ending='CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/bin"]',
    ),
    "no-dockerfile": Version("Lose the Dockerfile", "Nobody sees this.", ending=""),
}


class CannotMake(Exception):
    """Why there is no repository; str() says what to do about it."""


def main() -> int:
    """Make the repository and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--with-failures", action="store_true", help=f"add the branches {', '.join(FAILURES)}"
    )
    given = parser.parse_args()
    try:
        made = make(given.folder, with_failures=given.with_failures)
    except CannotMake as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"{given.folder}: {'made' if made else 'is there already'}")
    return 0


def make(folder: Path, *, with_failures: bool = False) -> bool:
    """Make the repository in `folder`; return False if there is one already.

    It appears whole or not at all. Raises CannotMake.
    """
    if (folder / ".git").exists():
        return False
    if folder.exists() and any(folder.iterdir()):
        raise CannotMake(f"{folder} holds something else. Name an empty or a new folder.")
    busybox = find_busybox()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        draft = Path(scratch) / "repository"
        draft.mkdir()
        fill(draft, busybox, with_failures=with_failures)
        draft.rename(folder)
    return True


def find_busybox() -> Path:
    """Return the busybox that needs no shared library. Raises CannotMake."""
    found = shutil.which("busybox")
    if found is None or b"/ld-linux" in Path(found).read_bytes():
        raise CannotMake("There is no static busybox here: apt-get install busybox-static")
    return Path(found)


def fill(folder: Path, busybox: Path, *, with_failures: bool) -> None:
    """Make every commit, branch and tag in the empty `folder`; `main` ends up checked out."""
    clock = iter(range(FIRST_COMMIT, FIRST_COMMIT + 3600 * 100, 3600))
    git(folder, "init", "--quiet", "--initial-branch=main", "--object-format=sha1")
    for version in MAIN:
        commit(folder, version, busybox, clock)
        if version.subject in TAGGED:
            git(folder, "tag", TAGGED[version.subject])
    for name, version in (BRANCH, *(FAILURES.items() if with_failures else ())):
        git(folder, "checkout", "--quiet", "-b", name, "main")
        commit(folder, version, busybox, clock)
    git(folder, "checkout", "--quiet", "main")


def commit(folder: Path, version: Version, busybox: Path, clock: Iterator[int]) -> None:
    """Commit the files of `version` on the branch that is checked out."""
    (folder / "www").mkdir(exist_ok=True)
    shutil.copyfile(busybox, folder / "busybox")
    (folder / "busybox").chmod(0o755)
    (folder / "www" / "index.html").write_text(page(version), encoding="utf-8")
    (folder / "www" / "healthz").write_text("ok\n", encoding="utf-8")
    (folder / "Dockerfile").unlink(missing_ok=True)
    if version.ending:
        (folder / "Dockerfile").write_text(dockerfile(version), encoding="utf-8")
    git(folder, "add", "--all")
    moment = f"{next(clock)} +0000"
    dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    git(folder, "commit", "--quiet", "--message", version.subject, more=dates)


def page(version: Version) -> str:
    """Return the page of `version`, which differs from the others."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>hello</title>\n'
        f'<body style="background: {version.colour}; font-family: sans-serif; margin: 4em">\n'
        f'<div style="background: white; padding: 1em 2em">\n<h1>{version.text}</h1>\n'
        f"<p>{version.subject}</p>\n</div>\n</body>\n</html>\n"
    )


def dockerfile(version: Version) -> str:
    """Return the Dockerfile of `version`: nothing but files to copy, so that it builds quickly."""
    return (
        f"FROM scratch\nCOPY busybox /bin/busybox\nCOPY www /www\nEXPOSE 8080\n{version.ending}\n"
    )


def git(folder: Path, *args: str, more: Mapping[str, str] | None = None) -> None:
    """Run git in `folder`, without any user's or system's settings. Raises CannotMake."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "prevs",
        "GIT_AUTHOR_EMAIL": "prevs@localhost",
        "GIT_COMMITTER_NAME": "prevs",
        "GIT_COMMITTER_EMAIL": "prevs@localhost",
        **(more or {}),
    }
    command = ["git", "-C", str(folder), *args]
    try:
        subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    except FileNotFoundError as exc:
        raise CannotMake("There is no git here: apt-get install git") from exc
    except subprocess.CalledProcessError as exc:
        raise CannotMake(f"git {args[0]} failed: {exc.stderr.strip()}") from exc


if __name__ == "__main__":
    sys.exit(main())
