"""What several of the proxy's tests use: a browser, and a ZooKeeper that may be stopped."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from local.parts import Part, bring_up
from local.zookeeper import zookeeper_part

_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that asks nobody but whom a test has it ask."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_QUIET)
        yield started
        started.close()


@pytest.fixture
def own_zookeeper(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Part]:
    """A ZooKeeper of the test's own, which it may stop."""
    folder = tmp_path / "zookeeper"
    part = zookeeper_part(folder, free_port(), os.environ, folder / "log")
    bring_up(part)
    yield part
    part.stop()
