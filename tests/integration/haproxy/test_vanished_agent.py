"""An agent's machine goes without a word, while visitors have requests at its preview."""

import os
from pathlib import Path

import pytest

from tests.namespaces import run_apart

pytestmark = [
    pytest.mark.night,  # it waits for real times of HAProxy
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces of its own: root"),
]


def test_requests_to_a_machine_that_is_gone_end_and_those_to_a_slow_application_do_not() -> None:
    found = run_apart(Path(__file__).with_name("vanished_agent.py"))
    # HAProxy closes a kept connection if that to the application turns out to be broken: the client
    # may send the request again (RFC 9110, 9.2.2). It repeats a navigation itself, and gives it to
    # the waiting room then, which is not here: the page says that it tries again.
    assert found == {
        "before": "200",
        "sent after it": "closed",
        "sent before it": "502",
        "a navigation": "503",
        "to a slow application": "200",
    }
