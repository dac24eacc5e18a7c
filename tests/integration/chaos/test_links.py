"""A link between two parts is cut: nobody else notices it, and it is whole again afterwards."""

import os
from pathlib import Path

import pytest

from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own: root"),
]


def test_a_cut_link_carries_nothing_and_only_that_link() -> None:
    found = run_apart(Path(__file__).with_name("echoes.py"))
    everything = {"agent-2": [True, True], "framework": [True, True]}
    assert found["whole"] == everything
    assert found["cut"] == everything | {"agent-2": [False, False]}
    assert found["mended"] == everything
