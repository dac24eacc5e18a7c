"""Who reaches the master over which link: a script for a network of its own; prints JSON."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.docker import groups
from local.settings import Settings, prepare
from tests.chaos.links import Links
from tests.chaos.parts import group

_SERVER = """
import socket, sys, threading
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
def echo(connection):
    while data := connection.recv(100):
        connection.sendall(data)
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
"""
_CLIENT = """
import socket, sys
def ask(connection, seconds):
    try:
        connection.settimeout(seconds)
        connection.sendall(b"x")
        return connection.recv(100) != b""
    except OSError:
        return False
def begin(seconds):
    try:
        return socket.create_connection(("127.0.0.1", int(sys.argv[1])), seconds)
    except OSError:
        return None
old = begin(30)
for line in sys.stdin:
    seconds = int(line)
    new = begin(seconds)
    print(int(ask(old, seconds)), int(new is not None and ask(new, seconds)), flush=True)
"""
PARTS = ("agent-2", "framework")


def main(folder: Path) -> None:
    """Print what each part reaches: over a connection from before, and over a new one."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    settings = prepare(folder, {"agents": 4, "frameworks": 3})
    links = Links(settings)
    links.prepare()
    server = _begin(settings, "master", _SERVER)
    assert server.stdout is not None
    server.stdout.readline()
    clients = {part: _begin(settings, part, _CLIENT) for part in PARTS}
    found = {"whole": _ask(clients)}
    links.cut("agent-2>master")
    found["cut"] = _ask(clients, 2)
    links.mend("agent-2>master")
    found["mended"] = _ask(clients)
    for one in (server, *clients.values()):
        one.kill()
        one.wait()
    links.remove()
    print(json.dumps(found))


def _begin(settings: Settings, part: str, program: str) -> "subprocess.Popen[str]":
    command = (sys.executable, "-c", program, str(settings.mesos_port))
    return subprocess.Popen(
        [*groups.joining(group(settings, part)), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(
    clients: "Mapping[str, subprocess.Popen[str]]", seconds: int = 30
) -> Mapping[str, Sequence[bool]]:
    """Return what each reaches; TCP needs a while to notice that a link is whole again."""
    answers = {}
    for part, client in clients.items():
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"{seconds}\n")
        client.stdin.flush()
        answers[part] = [one == "1" for one in client.stdout.readline().split()]
    return answers


if __name__ == "__main__":
    main(Path(sys.argv[1]))
