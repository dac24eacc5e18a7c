"""Make the example's repository, register it as the app `hello`, and print its addresses.

    python -m examples.hello.register [FOLDER]

Running it again changes nothing. The API is found as the `prevs` command finds it.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from cli.client import credentials
from cli.client.api import Api
from cli.display.output import print_error, show
from cli.errors import ApiRefused, CliError
from examples.hello.make_repository import CannotMake, make
from prevs import names

APP = "hello"
OLDEST = "v1~1"
NAMES = {"main": "the newest commit", "feature/dark": "a branch", "v1": "a tag"}


def main() -> int:
    """Register the example and return the exit status."""
    folder = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else usual_folder(os.environ)
    try:
        make(folder)
        api = Api(credentials.read(os.environ))
        register(api, folder)
        show(table(addresses(api, folder)))
    except CannotMake as exc:
        print(exc, file=sys.stderr)
        return 1
    except CliError as exc:
        print_error(exc)
        return exc.status
    print(f"The repository is {folder}; whatever you commit to it has an address too.")
    print("The first visit to an address builds it. In a browser you can watch that.")
    return 0


def usual_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the example's repository for the user of `environ`."""
    given = environ.get("XDG_DATA_HOME", "")
    data = Path(given) if given.startswith("/") else Path.home() / ".local" / "share"
    return data / "prevs" / "examples" / APP


def register(api: Api, folder: Path) -> None:
    """Register the repository in `folder`; an app that somebody has changed stays as it is."""
    try:
        api.add_app({"name": APP, "repository": str(folder), "health": "/healthz"})
    except ApiRefused as exc:
        if exc.problem.slug != "app-exists":
            raise


def addresses(api: Api, folder: Path) -> list[tuple[str, str, str]]:
    """Return (address, what it is, subject) of each version that the example shows."""
    found = []
    for name, kind in (NAMES | older(folder)).items():
        label = api.resolve(APP, names.slug(name))
        found.append((label["url"], f"{name}, {kind}", label["subject"]))
    return found


def older(folder: Path) -> dict[str, str]:
    """Return the first digits of the oldest commit, if it is still there, and what it is."""
    command = ["git", "-C", str(folder), "rev-parse", "--quiet", "--verify", OLDEST]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return {names.short(done.stdout): "an older commit"} if done.returncode == 0 else {}


def table(rows: list[tuple[str, str, str]]) -> Table:
    """Return the addresses as a table."""
    made = Table("address", "leads to", "which says", box=None, pad_edge=False)
    for row in rows:
        made.add_row(*row)
    return made


if __name__ == "__main__":
    sys.exit(main())
