"""What operators do to a cluster that is in use, by the steps of docs/operating.

Each call blocks until it is done. A step that fails ends the run.
"""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import requests

from local.settings import write_private
from program.settings.proxy_tokens import read_tokens
from tests.chaos.parts import framework_environ, proxies_token_file, zookeepers
from tests.chaos.plan import FRAMEWORKS, PROXIES, ZOOKEEPERS
from tests.chaos.world import World
from tests.faults.system import ROOT
from tests.waits import wait_until

_PHRASE = "correct horse battery"
_PATIENCE = 300.0
_SIGNED = "the later ones may go"


def change_token(world: World) -> None:
    """Change the proxies' token by the steps of docs/operating/tokens.md."""
    world.wait_healed(_PATIENCE)
    [old], new = read_tokens(world.settings.proxy_token_file), secrets.token_urlsafe(32)
    _give_proxies(world, old, new)
    _give_frameworks(world, new, old)
    world.wait_for(lambda: _all_signed(world), f"/readyz says: {_SIGNED}", limit=_PATIENCE)
    _give_proxies(world, new, old)
    _give_frameworks(world, new)
    world.issue_passes()
    _give_proxies(world, new)


def _give_proxies(world: World, *tokens: str) -> None:
    write_private(proxies_token_file(world.settings), "\n".join(tokens))
    for part in PROXIES:
        world.restart(part)


def _give_frameworks(world: World, *tokens: str) -> None:
    """Give them other tokens; who leads is restarted last."""
    write_private(world.settings.proxy_token_file, "\n".join(tokens))
    leader = world.leader()
    for part in sorted(FRAMEWORKS, key=lambda one: one == leader):
        world.restart(part)


def _all_signed(world: World) -> bool:
    """Return whether who leads says that all records have the signature of the first token."""
    for api in world.settings.api.split(","):
        checks = requests.get(f"{api}/readyz", timeout=5).json()["checks"]
        details = [str(one["detail"]) for one in checks if one["name"] == "signatures"]
        if any(_SIGNED in detail for detail in details):
            return True
    return False


def back_up_and_restore(world: World) -> None:
    """Make a backup, cut the power, lose everything that is in it, and restore that.

    The folders of agents stay: a run counts the starts of jobs by what is in them.
    """
    world.wait_healed(_PATIENCE)
    folder = world.repositories.parent
    file, phrase = folder / "prevs.backup", folder / "phrase"
    file.unlink(missing_ok=True)
    write_private(phrase, _PHRASE)
    order = (str(file), "--phrase-file", str(phrase))
    _prevs(world, "backup", *order)
    world.cut_power()
    _lose(world)
    members = zookeepers(world.settings, world.environ)
    try:
        for one in members:
            one.start()
        wait_until(lambda: all(one.ready() for one in members), "the ZooKeepers serve")
        _prevs(world, "restore", *order)
    finally:
        for one in members:
            one.stop()
    shutil.copy(world.settings.proxy_token_file, proxies_token_file(world.settings))
    world.start_parts()


def _lose(world: World) -> None:
    """Remove the records, the folders of frameworks and proxies, and every token and key."""
    for name in ZOOKEEPERS:
        shutil.rmtree(world.folder / name / "data" / "version-2")
    for name in (*FRAMEWORKS, *PROXIES):
        shutil.rmtree(world.folder / name)
    for file in (*_files(world), proxies_token_file(world.settings)):
        file.unlink()


def _files(world: World) -> Sequence[Path]:
    """Return the files that a framework's settings name."""
    environ = framework_environ(world.settings, world.environ)
    ours = (name for name in environ if name.startswith("PREVS_") and name.endswith("_FILE"))
    return [Path(environ[name]) for name in ours]


def _prevs(world: World, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=framework_environ(world.settings, world.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{arguments[0]}\n{done.stdout}{done.stderr}"
