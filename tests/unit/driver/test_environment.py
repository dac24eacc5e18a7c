"""The environment that an agent gives."""

import pytest

from driver.environment import read_environment

GIVEN = {
    "MESOS_AGENT_ENDPOINT": "10.0.0.1:5051",
    "MESOS_FRAMEWORK_ID": "f",
    "MESOS_EXECUTOR_ID": "e",
}


def test_given_variables_are_read() -> None:
    environment = read_environment(
        {
            **GIVEN,
            "MESOS_CHECKPOINT": "1",
            "MESOS_RECOVERY_TIMEOUT": "1.5hrs",
            "MESOS_SUBSCRIPTION_BACKOFF_MAX": "500ms",
            "MESOS_EXECUTOR_AUTHENTICATION_TOKEN": "t0ken",
        }
    )
    assert environment.agent == "10.0.0.1:5051"
    assert (environment.framework_id, environment.executor_id) == ("f", "e")
    assert environment.checkpoint
    assert environment.recovery_timeout == 5400.0
    assert environment.resubscribe_window == 0.5
    assert environment.token == "t0ken"
    assert "t0ken" not in repr(environment)


def test_missing_variables_have_the_defaults_of_mesos() -> None:
    environment = read_environment(GIVEN)
    assert not environment.checkpoint
    assert environment.recovery_timeout == 900.0
    assert environment.resubscribe_window == 2.0
    assert environment.token is None


@pytest.mark.parametrize("value", ["0", ""])
def test_checkpointing_can_be_off_e8(value: str) -> None:
    """E8: pymesos takes any text as true, and Mesos writes 0."""
    assert not read_environment({**GIVEN, "MESOS_CHECKPOINT": value}).checkpoint


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ValueError, match="a Mesos agent sets these") as caught:
        read_environment({"MESOS_EXECUTOR_ID": "e", "MESOS_RECOVERY_TIMEOUT": "soon"})
    for part in ("MESOS_AGENT_ENDPOINT", "MESOS_FRAMEWORK_ID", "MESOS_RECOVERY_TIMEOUT", "'soon'"):
        assert part in str(caught.value)
    assert "MESOS_EXECUTOR_ID" not in str(caught.value)
