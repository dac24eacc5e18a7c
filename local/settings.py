"""The settings of one local cluster, and the paths of its files."""

import contextlib
import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.mesos.access import Access
from program.settings.keys import new_key


@dataclasses.dataclass(frozen=True)
class Settings:
    """A cluster. Agent n and framework n listen on 127.0.0.n; all listen on loopback only.

    The proxy alone is at Docker's bridge too, for previews.

    Each agent offers `cpus` and `mem` (MB). They are only shares, so all agents together may offer
    more than the machine has. `preview_ports` is FIRST-LAST. `cluster` is the id that marks its
    processes and containers; it never changes for a folder.
    """

    folder: Path
    cluster: str
    agents: int = 2
    frameworks: int = 1
    domain: str = "localhost"
    port: int = 8080
    api_port: int = 8090
    zookeeper_port: int = 2181
    mesos_port: int = 5050
    agent_port: int = 5051
    preview_ports: str = "31000-31999"
    cpus: float = 4
    mem: int = 4096

    @property
    def zookeeper_folder(self) -> Path:
        """Holds ZooKeeper's data."""
        return self.folder / "zookeeper"

    @property
    def token_file(self) -> Path:
        """Holds the bearer token of the API."""
        return self.folder / "token"

    @property
    def proxy_token_file(self) -> Path:
        """Holds the token for proxies only."""
        return self.folder / "proxy-token"

    @property
    def metrics_token_file(self) -> Path:
        """Holds the token for reading metrics only."""
        return self.folder / "metrics-token"

    @property
    def key_file(self) -> Path:
        """Holds the key that encrypts the secrets of apps."""
        return self.folder / "key"

    @property
    def zookeeper_auth_file(self) -> Path:
        """Holds the ZooKeeper identity of framework and announcement: `user:password`."""
        return self.folder / "zookeeper-auth"

    @property
    def proxy_zookeeper_auth_file(self) -> Path:
        """Holds the ZooKeeper identity of the proxy."""
        return self.folder / "proxy-zookeeper-auth"

    @property
    def mesos_access(self) -> Access:
        """The principals and secrets for Mesos."""
        return Access(self.folder / "mesos")

    @property
    def lock_file(self) -> Path:
        """Locked while a supervisor of this folder runs."""
        return self.folder / "supervisor.lock"

    @property
    def status_file(self) -> Path:
        """The last status of the parts that the supervisor wrote."""
        return self.folder / "status.json"

    @property
    def progress_file(self) -> Path:
        """One JSON line for each step of the last start and end."""
        return self.folder / "progress.jsonl"

    @property
    def held_folder(self) -> Path:
        """While this folder has a file with a part's name, that part is not restarted."""
        return self.folder / "held"

    def log(self, part: str) -> Path:
        """Return the log of a part."""
        return self.folder / "log" / f"{part}.log"

    @property
    def api(self) -> str:
        """The addresses of the API, comma separated: each framework has one (see PREVS_API)."""
        return ",".join(self.framework_api(n) for n in self.framework_numbers)

    def framework_api(self, number: int) -> str:
        """Return the address of one framework's API."""
        return f"http://127.0.0.{number}:{self.api_port}"

    def listeners(self) -> list[tuple[str, str, int]]:
        """Return (option that changes it, address, port) of every listener."""
        agents = [("--agent-port", f"127.0.0.{n}", self.agent_port) for n in self.agent_numbers]
        apis = [("--api-port", f"127.0.0.{n}", self.api_port) for n in self.framework_numbers]
        return [
            ("--port", "127.0.0.1", self.port),
            *apis,
            ("--zookeeper-port", "127.0.0.1", self.zookeeper_port),
            ("--mesos-port", "127.0.0.1", self.mesos_port),
            *agents,
        ]

    @property
    def agent_numbers(self) -> range:
        """1, 2, … as in agent-1 at 127.0.0.1."""
        return range(1, self.agents + 1)

    @property
    def framework_numbers(self) -> range:
        """1, 2, … as in framework-2 at 127.0.0.2; the first is called framework."""
        return range(1, self.frameworks + 1)

    def framework_name(self, number: int) -> str:
        """Return the name of a framework's part, log and folder."""
        return "framework" if number == 1 else f"framework-{number}"


def prepare(folder: Path, given: Mapping[str, Any]) -> Settings:
    """Create a cluster's folder (closed to others), its id, tokens and keys; store its settings."""
    (folder / "log").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    stored = read(folder)
    cluster = stored.cluster if stored else secrets.token_hex(6)
    settings = Settings(folder=folder, cluster=cluster, **given)
    write_private(folder / "settings.json", json.dumps(_plain(settings)))
    for file in (settings.token_file, settings.proxy_token_file, settings.metrics_token_file):
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32))
    if not settings.key_file.exists():
        write_private(settings.key_file, f"{new_key()}\n")
    identities = {"prevs": settings.zookeeper_auth_file}
    identities["prevs-proxy"] = settings.proxy_zookeeper_auth_file
    for user, file in identities.items():
        if not file.exists():
            write_private(file, f"{user}:{secrets.token_hex(16)}\n")
    settings.mesos_access.prepare(lambda: secrets.token_hex(16), write_private)
    return settings


def read(folder: Path) -> Settings | None:
    """Return the settings stored in a folder, or None if there are none."""
    try:
        stored = json.loads((folder / "settings.json").read_text())
        return Settings(**{**stored, "folder": folder})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as exc:
        advice = f"Remove it to start with new settings: {folder / 'settings.json'}"
        raise LocalError("settings", f"settings.json can't be read: {exc}", advice) from exc


def _plain(settings: Settings) -> dict[str, Any]:
    return {**dataclasses.asdict(settings), "folder": str(settings.folder)}


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically by one that only this user can read."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        scratch.unlink()
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    scratch.replace(path)


def default_folder(environ: Mapping[str, str]) -> Path:
    """Return the default folder of a cluster."""
    return _xdg(environ, "XDG_STATE_HOME", ".local/state") / "prevs" / "local"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for files that can be created again."""
    return _xdg(environ, "XDG_CACHE_HOME", ".cache") / "prevs"


def docker_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the user's own dockerd."""
    return _xdg(environ, "XDG_DATA_HOME", ".local/share") / "prevs" / "docker"


def credentials_file(environ: Mapping[str, str]) -> Path:
    """Return the file in which the command line finds the API's address and token."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config") / "prevs" / "credentials.json"


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path:
    given = environ.get(variable, "")
    if given.startswith("/"):  # XDG: ignore a relative path
        return Path(given)
    return Path(environ.get("HOME") or "~").expanduser() / default
