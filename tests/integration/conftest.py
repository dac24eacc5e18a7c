"""A ZooKeeper that a test may stop."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.parts import Part, bring_up
from local.zookeeper import zookeeper_part


@pytest.fixture
def own_zookeeper(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Part]:
    """A ZooKeeper of the test's own, which it may stop."""
    folder = tmp_path / "zookeeper"
    part = zookeeper_part(folder, free_port(), os.environ, folder / "log")
    bring_up(part)
    yield part
    part.stop()
