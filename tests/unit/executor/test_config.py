"""executor/config.py: the settings that the agent gives."""

from pathlib import Path

import pytest

from executor.config import Config, read_config, read_duration
from executor.errors import InvalidEnvironment


def test_settings_are_read_from_what_the_agent_gives() -> None:
    environ = {
        "PREVS_EXECUTOR_DIR": "/var/lib/prevs",
        "PREVS_CLUSTER": "c1",
        "PREVS_LOG": "json",
        "PREVS_DISK_LIMIT": "100",
        "MESOS_EXECUTOR_ID": "a-task",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "1.5mins",
    }
    assert read_config(environ) == Config(
        Path("/var/lib/prevs"), "c1", 90.0, task_id="a-task", log="json", disk_limit=100
    )


def test_what_is_not_given_has_mesos_own_default() -> None:
    assert read_config({"PREVS_EXECUTOR_DIR": "/d"}) == Config(Path("/d"), None, 5.0)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read_config(
            {
                "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "soon",
                "PREVS_LOG": "xml",
                "PREVS_DISK_LIMIT": "2GB",
            }
        )
    assert len(caught.value.problems) == 4
    assert "PREVS_EXECUTOR_DIR" in str(caught.value)
    assert "soon" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("5secs", 5.0), ("500ms", 0.5), ("2mins", 120.0), ("1weeks", 604800.0)],
        *[("5", None), ("secs", None), ("1.2.3secs", None), ("", None)],
    ],
)
def test_durations_are_read_as_mesos_writes_them(text: str, seconds: float | None) -> None:
    assert read_duration(text) == seconds
