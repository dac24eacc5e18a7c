"""The errors of the command line about its settings or its API."""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import trustme
from starlette.responses import JSONResponse

from cli.__main__ import main, prevs
from framework.errors import Unavailable
from tests.fakes.answers import SHA, problem
from tests.fakes.api import TOKEN, Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def test_an_api_that_does_not_answer_is_reported_with_its_address(run: Run) -> None:
    done = run("ls", PREVS_API="http://127.0.0.1:9")
    assert (done.status, done.out) == (1, "")
    assert "http://127.0.0.1:9" in done.err
    assert "connection refused" in done.err
    assert "prevs local up" in done.err
    assert "PREVS_API" in done.err


def test_something_else_at_the_address_is_reported(api: Api, run: Run) -> None:
    api.instead["GET", "/v1/apps"] = JSONResponse(["no", "apps"])
    done = run("app", "ls")
    assert done.status == 1
    assert "is not the API of prevs" in done.err


def test_a_wrong_token_is_reported_with_the_next_step_and_never_printed(run: Run) -> None:
    done = run("ls", PREVS_TOKEN="not-the-token")
    assert done.status == 1
    assert "PREVS_TOKEN" in done.err
    assert "not-the-token" not in done.err


def test_for_a_name_that_is_nearly_right_the_right_one_is_suggested(api: Api, run: Run) -> None:
    api.refs.put("hello", "feature/cart", SHA)
    assert "Did you mean 'hello'?" in run("app", "show", "helo").err
    assert "Did you mean 'feature/cart'?" in run("start", "hello", "feature/crat").err
    assert "Did you mean 'retry'?" in run("rety", "hello", "main").err


def test_a_certificate_that_is_not_trusted_is_reported_with_what_to_set(run: Run) -> None:
    with serving_tls() as address:
        done = run("ls", PREVS_API=address)
        assert (done.status, done.out) == (1, "")
        assert "certificate is not trusted" in done.err
        assert "REQUESTS_CA_BUNDLE" in done.err


def test_a_server_without_tls_is_reported(address: str, run: Run) -> None:
    done = run("ls", PREVS_API=address.replace("http://", "https://"))
    assert done.status == 1
    assert "TLS failed (wrong version number)" in done.err


def test_an_older_framework_is_reported(api: Api, run: Run) -> None:
    api.instead["GET", "/v1/agents"] = problem("not-found", 404, "There is nothing here.")
    error = run("agents").err
    assert "prevs doctor" in error
    assert "the framework's own address, not a proxy's" in error


@contextlib.contextmanager
def serving_tls() -> Iterator[str]:
    """Accept connections with an untrusted certificate, and yield the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the client goes away; then the test is over
                while True:
                    connection, _ = listener.accept()
                    with contextlib.suppress(ssl.SSLError), connection:
                        context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_an_api_that_cannot_write_now_is_reported_with_the_next_step(api: Api, run: Run) -> None:
    api.previews.error = Unavailable("ZooKeeper")
    done = run("start", "hello", "main")
    assert (done.status, done.out) == (1, "")
    assert "ZooKeeper does not answer now. Try again in a few seconds." in done.err
    assert "prevs local status" in done.err


def test_without_settings_the_error_shows_how_to_get_some(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["ls"], {"HOME": "/nonexistent"}) == 1
    assert "prevs local up" in capsys.readouterr().err


def test_the_credentials_file_is_used(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prevs").mkdir()
    content = json.dumps({"api": address, "token": TOKEN})
    (tmp_path / "prevs" / "credentials.json").write_text(content)
    assert main(["app", "ls"], {"XDG_CONFIG_HOME": str(tmp_path)}) == 0
    assert "hello" in capsys.readouterr().out


def test_wrong_use_is_status_2_and_help_is_0(run: Run) -> None:
    assert run("start", "hello").status == 2
    assert run("nonsense").status == 2
    help_text = run("--help")
    assert help_text.status == 0
    assert "app" in help_text.out


def test_commands_do_not_wait_for_imports_that_they_do_not_need() -> None:
    program = (
        "import sys; from cli.__main__ import main; "
        "main(['--help'], {}); main(['ls'], {'HOME': '/nonexistent'}); "
        "late = {'local.console.commands', 'docker', 'kazoo', 'fastapi', 'requests', 'rich.live'}; "
        "sys.exit(sorted(late & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr


def test_local_is_one_of_the_commands(run: Run) -> None:
    done = run("local", "--help")
    assert done.status == 0
    assert "up" in done.out


def test_help_has_every_command_under_a_heading_with_what_it_does(run: Run) -> None:
    shown = run("--help").out
    context = click.Context(prevs)
    listed = prevs.list_commands(context)
    assert set(prevs.commands) | {"local", "doctor", "login", "logout", "backup", "restore"} == set(
        listed
    )
    for name in listed:
        command = prevs.get_command(context, name)
        assert command is not None
        [line] = [one for one in shown.splitlines() if one.startswith(f"  {name} ")]
        assert command.get_short_help_str(100) in " ".join(shown.split()), line
