"""The README's links lead to files; mkdocs checks those of docs/ (`make check`)."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / "README.md").read_text())
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []
