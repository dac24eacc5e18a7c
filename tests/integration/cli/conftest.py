from collections.abc import Iterator

import pytest

from cli.__main__ import main
from tests.fakes.api import TOKEN, Api
from tests.integration.cli.command_runs import Done, Run


@pytest.fixture
def api() -> Api:
    """An app `hello` whose branch main leads to a commit without a preview."""
    api = Api()
    api.add("hello", "main")
    return api


@pytest.fixture
def address(api: Api) -> Iterator[str]:
    with api.serving() as address:
        yield address


@pytest.fixture
def environ(address: str) -> dict[str, str]:
    return {"PREVS_API": address, "PREVS_TOKEN": TOKEN, "HOME": "/nonexistent"}


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run_it(*args: str, **changes: str) -> Done:
        status = main(args, {**environ, **changes})
        return Done(status, *capsys.readouterr())

    return run_it
