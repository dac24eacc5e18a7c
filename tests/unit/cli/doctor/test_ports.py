"""cli.doctor.checks.py: whether previews are reached past the proxies."""

from typing import Any

from cli.doctor.checks import look_at_ports
from cli.doctor.findings import Level


def preview(host: str, port: int | None, state: str = "running") -> Any:
    return {"state": state, "agent": {"id": "a", "host": host}, "host_port": port}


RUNNING = [preview("10.0.0.9", 31001), preview("10.0.0.9", 31002), preview("10.0.0.10", 31001)]


def test_each_agent_is_tried_once_and_closed_ones_are_well() -> None:
    tried: list[tuple[str, int]] = []

    def accepts(host: str, port: int) -> bool:
        tried.append((host, port))
        return False

    [finding] = look_at_ports(RUNNING, accepts)
    assert finding.level is Level.OK
    assert tried == [("10.0.0.9", 31001), ("10.0.0.10", 31001)]


def test_a_preview_that_answers_past_the_proxies_is_shown_with_the_next_step() -> None:
    [finding] = look_at_ports(RUNNING, lambda host, port: host == "10.0.0.10")
    assert finding.level is Level.WARNING
    assert "at 10.0.0.10:31001:" in finding.message
    assert "executor.pyz doctor" in finding.advice


def test_nothing_is_said_of_ports_if_nothing_runs() -> None:
    [finding] = look_at_ports([preview("10.0.0.9", 31001, "stopped"), preview("10.0.0.9", None)])
    assert finding.level is Level.SKIPPED
