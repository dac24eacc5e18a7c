"""What the command line says when its settings or its API are not as they should be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.__main__ import main
from tests.fakes import api as fake
from tests.integration.cli.running import Run

pytestmark = pytest.mark.integration


def test_an_api_that_does_not_answer_is_told_with_its_address(run: Run) -> None:
    done = run("ls", PREVS_API="http://127.0.0.1:9")
    assert (done.status, done.out) == (1, "")
    assert "http://127.0.0.1:9" in done.err
    assert "connection refused" in done.err
    assert "prevs local up" in done.err
    assert "PREVS_API" in done.err


def test_something_else_at_the_address_is_told(world: fake.World, run: Run) -> None:
    world.refusals["GET", "/v1/apps"] = (200, ["no", "apps"])
    done = run("app", "ls")
    assert done.status == 1
    assert "is not the API of prevs" in done.err


def test_a_wrong_token_is_told_with_the_next_step_and_never_printed(run: Run) -> None:
    done = run("ls", PREVS_TOKEN="not-the-token")
    assert done.status == 1
    assert "PREVS_TOKEN" in done.err
    assert "not-the-token" not in done.err


def test_an_api_that_cannot_write_now_is_told_with_the_next_step(
    world: fake.World, run: Run
) -> None:
    detail = "ZooKeeper does not answer now. Try again in some seconds."
    world.refusals["POST", "/v1/previews"] = fake.problem("unavailable", 503, detail)
    done = run("start", "hello", "main")
    assert (done.status, done.out) == (1, "")
    assert detail in done.err
    assert "prevs local status" in done.err


def test_no_settings_at_all_say_how_to_get_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls"], {"HOME": "/nonexistent"}) == 1
    assert "prevs local up" in capsys.readouterr().err


def test_the_credentials_file_is_used(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prevs").mkdir()
    content = json.dumps({"api": address, "token": fake.TOKEN})
    (tmp_path / "prevs" / "credentials.json").write_text(content)
    assert main(["app", "ls"], {"XDG_CONFIG_HOME": str(tmp_path)}) == 0
    assert "hello" in capsys.readouterr().out


def test_wrong_use_is_status_2_and_help_is_0(run: Run) -> None:
    assert run("start", "hello").status == 2
    assert run("nonsense").status == 2
    help_text = run("--help")
    assert help_text.status == 0
    assert "app" in help_text.out


def test_commands_do_not_wait_for_the_imports_of_local() -> None:
    program = (
        "import sys; from cli.__main__ import main; main(['ls'], {'HOME': '/nonexistent'}); "
        "sys.exit(sorted({'local', 'docker', 'kazoo', 'fastapi'} & set(sys.modules)) or 0)"
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
