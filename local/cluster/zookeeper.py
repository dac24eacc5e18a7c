"""ZooKeeper: Debian's libzookeeper-java, one server, on loopback only."""

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from local.errors import LocalError
from local.parts.part import ProcessPart, environment

# The manifest of zookeeper.jar names the jars it needs; slf4j-simple sends its log to stderr.
_JARS = (Path("/usr/share/java/zookeeper.jar"), Path("/usr/share/java/slf4j-simple.jar"))
_ADVICE = (
    "Install its packages: run provision/debian.sh (default-jre-headless, libzookeeper-java). "
    "If its port is taken, choose another with --zookeeper-port."
)
LONGEST_SESSION = 60.0
LEAST_MB = 100
"""With less on its disk ZooKeeper may end: it writes each change to a log, and all to snapshots."""
FREE_SOME = f"Free at least {LEAST_MB} MB there: ZooKeeper then goes on from the same state."


def configuration(folder: Path, port: int, longest_session: float = LONGEST_SESSION) -> str:
    """Return zoo.cfg. A tick of 0.5 s lets a short session (1 s) notice a dead client early.

    No client gets a session longer than `longest_session` seconds.
    """
    return "\n".join(
        (
            f"dataDir={folder / 'data'}",
            f"clientPort={port}",
            "clientPortAddress=127.0.0.1",
            "tickTime=500",
            f"maxSessionTimeout={longest_session * 1000:.0f}",
            "maxClientCnxns=0",
            "admin.enableServer=false",
            "4lw.commands.whitelist=srvr",
            "autopurge.snapRetainCount=3",
            "autopurge.purgeInterval=1",
            "",
        )
    )


def zookeeper_part(
    folder: Path,
    port: int,
    environ: Mapping[str, str],
    log: Path,
    *,
    longest_session: float = LONGEST_SESSION,
) -> ProcessPart:
    """Return the part. Its data stays in `folder`. Raises LocalError if it is not installed."""
    missing = [str(jar) for jar in _JARS if not jar.exists()]
    if shutil.which("java") is None:
        missing.append("java")
    if missing:
        raise LocalError("zookeeper", f"not installed: {', '.join(missing)}", _ADVICE)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "zoo.cfg"
    config.write_text(configuration(folder, port, longest_session))
    return ProcessPart(
        name="zookeeper",
        command=_command(config),
        environ=environment({"JMXDISABLE": "true"}, environ),
        log=log,
        answers=lambda: serves("127.0.0.1", port),
        address=f"127.0.0.1:{port}",
        advice=_ADVICE,
        folder=folder,
        find_cause=lambda: find_full_disk(folder),
    )


def find_full_disk(folder: Path) -> str:
    """Return that the disk of ZooKeeper's folder is full, as a sentence; "" if it is not.

    The folder may not exist yet.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    found = os.statvfs(there)
    free = found.f_bavail * found.f_frsize / 1e6
    if found.f_files and not found.f_favail:
        return f"the disk of {folder} is full: no more files can be made there"
    return f"the disk of {folder} is full: {free:.0f} MB are free there" if free < LEAST_MB else ""


def _command(config: Path) -> tuple[str, ...]:
    return (
        "java",
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Djava.awt.headless=true",
        "-Dzookeeper.jmx.log4j.disable=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        ":".join(map(str, _JARS)),
        "org.apache.zookeeper.server.ZooKeeperServerMain",
        str(config),
    )


def serves(host: str, port: int) -> bool:
    """Return whether a ZooKeeper answers the command `srvr` there within a second."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"srvr")
            answer = b""
            while chunk := connection.recv(4096):
                answer += chunk
    except OSError:
        return False
    return b"Mode:" in answer
