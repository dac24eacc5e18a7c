"""How the starts of jobs are counted."""

from pathlib import Path

from executor.attempt.course import IMAGE_GONE
from tests.faults.job_group import count_starts


def test_a_start_whose_image_was_gone_is_not_counted(tmp_path: Path) -> None:
    lines = ["sh -c echo g-1-0", "sh -c echo g-1-0", "sh -c echo g-1-1", "sh -c echo g-2-0"]
    headers = [f"== running {line} ==" for line in lines]
    headers.insert(1, f"== {IMAGE_GONE} ==")
    sandbox = tmp_path / "agent-1/agents/0/work/slaves/s/frameworks/f/executors/e/runs/r/jobs/1"
    sandbox.mkdir(parents=True)
    (sandbox / "stdout").write_text("\n".join(headers) + "\n")
    assert count_starts(tmp_path, "g-1") == {0: 1, 1: 1}
    headers[1] = "what the first said"
    (sandbox / "stdout").write_text("\n".join(headers) + "\n")
    assert count_starts(tmp_path, "g-1") == {0: 2, 1: 1}
