"""Make the example's repository, register it as the app `hello`, and print its addresses.

    python -m examples.hello.register [FOLDER]
    python -m examples.hello.register --local [OPTION]...

Running it again changes nothing. The API is found as the `prevs` command finds it. With `--local`
it is that of the cluster that `prevs local up OPTION...` has started.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from cli.client import credentials
from cli.client.api import Api
from cli.client.credentials import Credentials
from cli.display.output import print_error, show
from cli.errors import ApiRefused, BadCredentials, CliError
from examples.hello.make_repository import CannotMake, make
from local import settings as local_settings
from local.console.commands import up
from prevs import names

APP = "hello"
OLDEST = "v1~1"
NAMES = {"main": "the newest commit", "feature/dark": "a branch", "v1": "a tag"}


def main() -> int:
    """Register the example and return the exit status."""
    given = sys.argv[1:]
    is_local = given[:1] == ["--local"]
    named = Path(given[0]).absolute() if given and not is_local else None
    folder = named or usual_folder(os.environ)
    try:
        make(folder)
        api = Api(find_local(given[1:]) if is_local else credentials.read(os.environ))
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


def find_local(options: list[str]) -> Credentials:
    """Return the credentials of the cluster that `prevs local up` starts with these options."""
    chosen = up.make_context("up", options).params["folder"]
    settings = local_settings.read(chosen)
    if settings is None:
        raise BadCredentials(f"Nothing has run in {chosen}.", "Start it with `prevs local up`.")
    return Credentials(tuple(settings.api.split(",")), settings.token_file.read_text())


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
        label = api.show_label(APP, names.slug(name))
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
