"""Make the git repositories of the example stack, one for each member.

    python examples/stack/make_repositories.py FOLDER

`reviews` has a branch `feature/stars`, in which it says something else. A folder that is there
already stays as it is.
"""

import argparse
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

MEMBERS = ("web", "details", "reviews", "ratings")
BRANCH = "feature/stars"
_HERE = Path(__file__).parent
_SAID, _SAYS = "I have read it twice.", "I have read it three times."


def main() -> None:
    """Make the repositories."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.absolute()
    make(folder)
    for member in MEMBERS:
        print(folder / member)


def make(folder: Path, base: Mapping[str, str] | None = None) -> None:
    """Make the repositories in `folder`. `base` are other base images than the Dockerfiles'."""
    for member in MEMBERS:
        made = folder / member
        if made.exists():
            continue
        shutil.copytree(_HERE / member, made)
        if base:
            _replace(made / "Dockerfile", "FROM ${BASE}", f"FROM {base[member]}")
        git(made, "init", "--quiet", "--initial-branch=main")
        commit(made, f"Write {member}")
    if not git(folder / "reviews", "branch", "--list", BRANCH):
        git(folder / "reviews", "checkout", "--quiet", "-b", BRANCH)
        _replace(folder / "reviews" / "reviews.js", _SAID, _SAYS)
        commit(folder / "reviews", "Read it once more")
        git(folder / "reviews", "checkout", "--quiet", "main")


def commit(folder: Path, subject: str) -> str:
    """Commit all files on the branch that is checked out; return the commit's id."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *args: str) -> str:
    """Return what git prints in a repository, without any user's or system's settings."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "prevs" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "prevs@localhost" for who in ("AUTHOR", "COMMITTER")},
    }
    command = ["git", "-C", str(folder), *args]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    main()
