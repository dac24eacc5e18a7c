"""In a network namespace of its own: HAProxy, and an agent in another one that goes without a word.

Prints how requests to its preview end, and one to a slow preview of another agent, as JSON.
"""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

from prevs.names import task_id
from proxy.haproxy import config
from proxy.haproxy.config import Files, Front
from proxy.haproxy.router import HaproxyRouter
from proxy.model.routes import Route
from tests.fakes.placements import SHA
from tests.serving import QuietHandler, serving
from tests.waits import wait_until

HOST, SLOW_HOST = "main.hello.localhost", "slow.hello.localhost"
_VISIT = {"Host": HOST}
_NAVIGATION = {"Host": HOST, "Sec-Fetch-Mode": "navigate"}
_SLOW_VISIT = {"Host": SLOW_HOST}
PROXY, AGENT, PORT = "10.88.0.1", "10.88.0.2", 8080
SLOW_SECONDS = 22.0
"""Longer than a machine is waited for that does not say a word."""
_LIMIT = 60.0

APPLICATION = f"""
import subprocess, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        print(self.path, flush=True)
        if self.path == "/unanswered":
            time.sleep(600)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

print("here", flush=True)
input()
for command in ("addr add {AGENT}/24 dev agent", "link set agent up"):
    subprocess.run(["ip", *command.split()], check=True)
server = ThreadingHTTPServer(("{AGENT}", {PORT}), Handler)
print("listens", flush=True)
server.serve_forever()
"""


class SlowHandler(QuietHandler):
    """Says nothing for a long time, and then answers."""

    def do_GET(self) -> None:
        time.sleep(SLOW_SECONDS)
        self.answer()


@contextlib.contextmanager
def slow_application() -> Iterator[int]:
    """Serve a slow application on loopback; give its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowHandler)
    with serving(server):
        yield server.server_port


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@contextlib.contextmanager
def agent() -> Iterator["subprocess.Popen[str]"]:
    """Have an agent with an application, in a network of its own."""
    command = ["unshare", "--net", sys.executable, "-c", APPLICATION]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            expect(process, "here")
            peer = ("peer", "name", "agent", "netns", str(process.pid))
            run("ip", "link", "add", "proxy", "type", "veth", *peer)
            run("ip", "addr", "add", f"{PROXY}/24", "dev", "proxy")
            run("ip", "link", "set", "proxy", "up")
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            expect(process, "listens")
            yield process
        finally:
            process.kill()


def expect(process: "subprocess.Popen[str]", line: str) -> None:
    """Read a line of an agent's output."""
    assert process.stdout is not None
    assert process.stdout.readline().strip() == line


@contextlib.contextmanager
def haproxy(folder: Path, slow_port: int) -> Iterator[int]:
    """Run HAProxy with the proxy's configuration, and both previews; give its port."""
    files, port = Files(folder), 8081
    config.write(files, Front(f"127.0.0.1:{port}", "localhost"))
    routes = {
        HOST: Route(AGENT, PORT, task_id("hello", SHA, "a1")),
        SLOW_HOST: Route("127.0.0.1", slow_port, task_id("hello", SHA, "a2")),
    }
    HaproxyRouter(files, "run").begin_with(routes, {})

    def answers() -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        return False

    with subprocess.Popen(["haproxy", "-db", "-f", str(files.configuration)]) as process:
        try:
            wait_until(answers)
            yield port
        finally:
            process.kill()


def ask(
    client: http.client.HTTPConnection,
    method: str,
    path: str = "/",
    headers: Mapping[str, str] = _VISIT,
) -> str:
    """Return the status of the answer, or why there is none."""
    try:
        client.request(method, path, headers=dict(headers))
        answer = client.getresponse()
        answer.read()
    except TimeoutError:
        return f"none in {_LIMIT:g} s"
    except http.client.RemoteDisconnected:
        return "closed"
    return str(answer.status)


def look(folder: Path) -> Mapping[str, str]:
    """Ask on a connection that is kept, and on one that waits for an answer, once all is gone."""
    run("ip", "link", "set", "lo", "up")
    with (
        agent() as vanishing,
        slow_application() as slow_port,
        haproxy(folder, slow_port) as port,
        ThreadPoolExecutor() as pool,
    ):
        kept, waiting, browser, patient = (
            http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT) for _ in range(4)
        )
        found = {"before": ask(kept, "POST")}
        expect(vanishing, "/")
        slow = pool.submit(ask, patient, "GET", headers=_SLOW_VISIT)
        unanswered = pool.submit(ask, waiting, "GET", "/unanswered")
        expect(vanishing, "/unanswered")
        navigation = pool.submit(ask, browser, "GET", "/unanswered", _NAVIGATION)
        expect(vanishing, "/unanswered")
        run(
            "nsenter", "--net", "--target", str(vanishing.pid), "ip", "link", "set", "agent", "down"
        )
        found["sent after it"] = ask(kept, "POST")
        found["sent before it"] = unanswered.result()
        found["a navigation"] = navigation.result()
        found["to a slow application"] = slow.result()
    return found


if __name__ == "__main__":
    print(json.dumps(look(Path(sys.argv[1]))))
