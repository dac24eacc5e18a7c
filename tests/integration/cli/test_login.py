"""`prevs login` from the question to the token, over a real dashboard and a real socket."""

import html
import json
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from cli.client import sign_in
from cli.client.sign_in import Listener
from cli.errors import ApiRefused, NotDone
from framework.ports.identity import Person
from prevs.records import AppRecord
from prevs.roles import TOKEN_PREFIX, RoleRecord
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import Dashboard, Visitor
from tests.fakes.served import serving

pytestmark = pytest.mark.integration

ADA = Person("583231", "ada", frozenset({"shop-devs"}))


@pytest.fixture
def dashboard() -> Dashboard:
    made = Dashboard()
    made.previews.known_apps["shop"] = AppRecord("shop", "/shop.git", created=1000.0)
    role = RoleRecord("use", group="shop-devs", app="shop")
    made.previews.roles = {role.id: role}
    return made


@pytest.fixture
def base(dashboard: Dashboard) -> Iterator[str]:
    with serving(dashboard.app) as address:
        yield address


@pytest.fixture
def ada(dashboard: Dashboard) -> Visitor:
    """Somebody who has signed in with a provider."""
    visitor = Visitor(dashboard)
    mark = next(iter(dashboard.sign_in().cookies)).removeprefix("prevs-session-")
    session = dashboard.tokens.seal_person("session", ADA, dashboard.tokens.now() + 8 * 3600)
    visitor.cookies.set(f"prevs-session-{mark}", session, domain="prevs.localhost")
    return visitor


def agree(visitor: Visitor, address: str) -> str:
    """Open the address that the command line names, and press the button; return the page."""
    parts = urlsplit(address)
    page = visitor.get(f"{parts.path}?{parts.query}")
    assert page.status_code == 200, page.text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    answer = visitor.post("/command-line", fields)
    assert answer.status_code == 200, answer.text
    return answer.text


def read_code(page: str) -> str:
    found = re.search(r'id="code" value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_browser_sends_the_code_to_the_command_line(
    dashboard: Dashboard, base: str, ada: Visitor
) -> None:
    question = sign_in.ask()
    listener = Listener(question)
    try:
        page = agree(ada, question.address(base, listener.port))
        place = re.search(r'content="0; url=([^"]+)"', page)
        assert place
        address = html.unescape(place[1])
        assert address.startswith(f"http://127.0.0.1:{listener.port}/?")
        wrong = httpx.URL(address).copy_set_param("state", "another")
        found: list[httpx.Response] = []
        thread = threading.Thread(
            target=lambda: found.extend(httpx.get(one) for one in (wrong, httpx.URL(address)))
        )
        thread.start()
        code = listener.wait(30)
        thread.join()
    finally:
        listener.close()
    assert [answer.status_code for answer in found] == [404, 200]
    given = sign_in.exchange(base, question, code)
    assert given.name == "@ada"
    assert given.token.startswith(TOKEN_PREFIX)
    headers = {"Authorization": f"Bearer {given.token}"}
    assert httpx.get(f"{base}/v1/apps/shop", headers=headers).status_code == 200
    dashboard.previews.roles = {}
    assert httpx.get(f"{base}/v1/apps/shop", headers=headers).status_code == 403
    with pytest.raises(ApiRefused, match="was used already"):
        sign_in.exchange(base, question, code)
    noted = [(who, action) for who, action, *_ in dashboard.notes()]
    assert noted[:2] == [("@ada", "sign in command line"), ("@ada", "give token")]


def test_a_code_is_of_no_use_to_another_command_line(base: str, ada: Visitor) -> None:
    code = read_code(agree(ada, sign_in.ask().address(base)))
    with pytest.raises(ApiRefused):
        sign_in.exchange(base, sign_in.ask(), code)


def test_nobody_who_agrees_is_told(base: str) -> None:
    listener = Listener(sign_in.ask())
    try:
        with pytest.raises(NotDone, match="Nobody agreed"):
            listener.wait(0)
    finally:
        listener.close()


def run(home: Path, *args: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environ = {"HOME": str(home), "PATH": "/nonexistent"}
    command = [sys.executable, "-m", "cli", *args]
    return subprocess.run(
        command, env=environ, input=text, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_person_types_the_code_and_acts_as_themselves_until_they_log_out(
    base: str, ada: Visitor, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "login", base, "--no-browser"],
        env={"HOME": str(tmp_path), "PATH": "/nonexistent"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stderr
    address = next(line.strip() for line in process.stderr if base in line)
    _, told = process.communicate(read_code(agree(ada, address)).lower() + "\n", timeout=60)
    assert process.returncode == 0, told
    assert "Signed in as @ada until" in told
    file = tmp_path / ".config" / "prevs" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = json.loads(file.read_text())["token"]
    assert token not in told
    listed = run(tmp_path, "app", "ls")
    assert (listed.returncode, "shop" in listed.stdout) == (0, True)
    refused = run(tmp_path, "role", "ls")
    assert refused.returncode == 1
    assert "prevs role add" in refused.stderr
    assert run(tmp_path, "logout").returncode == 0
    assert not file.exists()
    assert "prevs login" in run(tmp_path, "app", "ls").stderr


def test_another_token_is_not_forgotten(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "prevs" / "credentials.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"api": "http://127.0.0.1:9", "token": TOKEN}))
    assert "no token of `prevs login`" in run(tmp_path, "logout").stderr
    assert file.exists()


def test_the_page_wants_a_person_and_a_question_of_ours(
    dashboard: Dashboard, ada: Visitor, base: str
) -> None:
    address = urlsplit(sign_in.ask().address(base, 8080))
    path = f"{address.path}?{address.query}"
    asked = Visitor(dashboard).get(path)
    assert asked.status_code == 303
    assert "next=%2Fcommand-line%3Fchallenge" in asked.headers["Location"]
    with_token = dashboard.sign_in().get(path)
    assert with_token.status_code == 403
    assert "PREVS_TOKEN" in with_token.text
    for wrong in ("", "?challenge=a", f"{path}&port=80", path.replace("port=8080", "port=99999")):
        answer = ada.get(wrong if wrong.startswith("/") else f"/command-line{wrong}")
        assert answer.status_code == 400, wrong
    form = {"challenge": "a" * 43, "port": "8080", "state": "b"}
    assert ada.post("/command-line", form).status_code == 403
