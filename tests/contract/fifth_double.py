"""A plugin of pytest: a double of a fifth kind of forge takes the place of all others."""

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Add the kind by its one file, before anything that is tested is imported."""
    from framework.forges import kinds

    kinds.__path__.append(str(Path(__file__).parent / "more_kinds"))
    from tests.fakes.forges import clients
    from tests.fakes.forges.github import GitHubServer

    class FifthServer(GitHubServer):
        kind = "fifth"

    clients.KINDS = (FifthServer,)
