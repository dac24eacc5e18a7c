"""The page of all metrics lists each metric that the code has."""

import re
from pathlib import Path

import pytest

from docs.generated import metrics

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("program", ["framework", "proxy"])
def test_the_page_lists_every_metric_in_the_code(program: str) -> None:
    code = (ROOT / program / "metrics.py").read_text(encoding="utf-8")
    written = set(re.findall(r'"(prevs_[a-z_]+)"', code))
    listed = {name.removesuffix("_total") for name in metrics.names()}
    assert len(written) > 10
    assert sorted(written - listed) == []
