"""A Pagure as its users see it: projects, pushes, pull requests, comments and webhooks.

Its processes are Debian's: its web application, its worker, and a redis between the two.
"""

import contextlib
import functools
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.fakes.samples import SampleRepository
from tests.free_ports import free_port
from tests.waits import describe_end, wait_until

_PYTHON = "/usr/bin/python3"
_WEB = Path(__file__).with_name("web.py")
_QUEUES = "celery,pagure_webhook,pagure_logcom"
_CONFIG = """\
SECRET_KEY = SALT_EMAIL = "only for tests"
APP_URL = GIT_URL_GIT = "{origin}/"
DB_URL = "sqlite:///{folder}/pagure.sqlite?timeout=60"
GIT_FOLDER = "{folder}/repositories"
REMOTE_GIT_FOLDER = "{folder}/remotes"
ATTACHMENTS_FOLDER = "{folder}/attachments"
UPLOAD_FOLDER_PATH = "{folder}/releases"
REPOSPANNER_PSEUDO_FOLDER = "{folder}/pseudo"
DOCS_FOLDER = TICKETS_FOLDER = REQUESTS_FOLDER = None
ENABLE_DOCS = ENABLE_TICKETS = False
GIT_AUTH_BACKEND = "pagure"
PAGURE_AUTH = None  # names and keys, no passwords
HTTP_REPO_ACCESS_GITOLITE = None
ALLOW_HTTP_PUSH = True
# Copies of pull requests in a repository of their own: slow, and nobody here reads them.
CELERY_CONFIG = {{"task_routes": {{"pagure.lib.tasks.update_git": {{"queue": "left out"}}}}}}
REDIS_HOST, REDIS_PORT = "127.0.0.1", {redis}
"""


class Member(NamedTuple):
    """A user of a Pagure, who may do there what the key allows."""

    origin: str
    name: str
    key: str

    def call(self, method: str, path: str, **form: str | Sequence[str]) -> Any:
        """Return what the API answers."""
        headers = {"Authorization": f"token {self.key}"}
        url = f"{self.origin}/api/0{path}"
        answer = requests.request(method, url, data=form, headers=headers, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.text}"
        return answer.json()

    def make_key(self, *rights: str) -> str:
        """Make a key for shop alone, which may do nothing but this there; return it."""
        return str(self.call("POST", "/shop/token/new", acls=rights)["token"]["id"])

    def push(self, work: SampleRepository, project: str, *branches: str) -> None:
        """Push branches, through Pagure's own HTTP server and hooks."""
        host = self.origin.removeprefix("http://")
        url = f"http://{self.name}:{self.key}@{host}/{project}.git"
        work.git("push", "--quiet", url, *branches)

    def open_pull(self, title: str, branch: str, **source: str) -> int:
        """Open a pull request of a branch of shop, or of the `source`; return its number."""
        form = {"title": title, "branch_from": branch, "branch_to": "main", **source}
        return int(self.call("POST", "/shop/pull-request/new", **form)["id"])

    def comment(self, number: int, text: str) -> None:
        """Write a comment on a pull request of shop."""
        self.call("POST", f"/shop/pull-request/{number}/comment", comment=text)

    def send_hooks(self, url: str) -> None:
        """Have the webhooks of shop sent to a URL; one of the first changes is told there."""
        # Pagure may tell of a change before it has stored it, so of the URL to nobody.
        for other in ("true", "false"):
            form = {"Web-hooks": url, "always_merge": other}
            self.call("POST", "/shop/options/update", **form)


class Flag(NamedTuple):
    """A flag of a commit. `username` is who flags, as it says of itself."""

    username: str
    status: str
    comment: str
    url: str


class Pagure(NamedTuple):
    """A running Pagure. `log` is its worker's, which has each webhook that it sends."""

    origin: str
    log: Path
    members: Mapping[str, Member]

    @property
    def repository(self) -> str:
        """The address of the project shop for `git clone`."""
        return f"{self.origin}/shop.git"

    def read_comments(self, number: int) -> list[str]:
        """Return the texts of all comments on a pull request of shop."""
        found = self._read(f"/pull-request/{number}")
        return [one["comment"] for one in found["comments"]]

    def read_flags(self, sha: str) -> list[Flag]:
        """Return all flags of a commit of shop."""
        found = self._read(f"/c/{sha}/flag")["flags"]
        return [Flag(*(one[name] for name in Flag._fields)) for one in found]

    def _read(self, path: str) -> Any:
        answer = requests.get(f"{self.origin}/api/0/shop{path}", timeout=60)
        assert answer.ok, f"{path}: {answer.text}"
        return answer.json()


@contextlib.contextmanager
def serve_pagure(folder: Path, *users: str) -> Iterator[Pagure]:
    """Run a Pagure in a new folder, with these users; the first one owns the project shop."""
    web, redis = free_port(), free_port()
    origin = f"http://127.0.0.1:{web}"
    for name in ("repositories", "remotes", "attachments"):
        (folder / name).mkdir(parents=True)
    config = folder / "pagure.cfg"
    config.write_text(_CONFIG.format(folder=folder, origin=origin, redis=redis))
    tokens = folder / "tokens.json"
    bare = ["--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    worker = ["worker", "--pool", "threads", "--concurrency", "1", "--queues", _QUEUES]
    with contextlib.ExitStack() as stack:
        run = functools.partial(_run, stack, folder)
        run("redis", ["redis-server", "--port", str(redis), *bare])
        run("worker", [_PYTHON, "-m", "celery", "-A", "pagure.lib.tasks", *worker])
        over = run("web", [_PYTHON, str(_WEB), str(folder), str(web), *users])
        wait_until(tokens.exists, "Pagure serves", over=over)
        keys = json.loads(tokens.read_text())
        members = {name: Member(origin, name, key) for name, key in keys.items()}
        shop = {"name": "shop", "description": "A shop", "default_branch": "main", "wait": "true"}
        members[users[0]].call("POST", "/new", **shop)
        yield Pagure(origin, folder / "worker.log", members)


def _run(
    stack: contextlib.ExitStack, folder: Path, name: str, command: list[str]
) -> functools.partial[str | None]:
    """Start a process that the stack ends; return what tells how it has ended."""
    log = folder / f"{name}.log"
    environ = {**os.environ, "PAGURE_CONFIG": str(folder / "pagure.cfg"), "HOME": str(folder)}
    environ |= {"PYTHONWARNINGS": "ignore"}
    environ.pop("PYTHONPATH", None)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=out, stderr=subprocess.STDOUT
        )
    stack.callback(_end, process)
    return functools.partial(describe_end, process, log)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
