"""The reference of .prevs.toml has every key, and its examples are valid."""

import tomllib

import pytest

from docs.generated import commit_settings
from framework.apps.manifest import Bounds, ComposeFile, Manifest, read
from framework.apps.manifest.keys import list_tables

BOUNDS = Bounds("shop", "services/web", 1.0, 1024)
COMPOSE = ComposeFile("compose.yaml", b"services: {web: {build: .}, db: {image: x}}")
TABLES = {header: header.partition(".")[0] for header in list_tables()}
KEYS = [
    (header, key, field)
    for header, table in list_tables().items()
    for key, field in table.model_fields.items()
    if key not in TABLES.values()
]
SCHEDULED = ("zone", "overlap", "missed", "deadline", "spread")


def test_the_example_is_accepted_and_has_every_table() -> None:
    found = read(commit_settings.EXAMPLE.encode(), BOUNDS)
    assert found.settings != Manifest().settings
    assert set(tomllib.loads(commit_settings.EXAMPLE)) >= {name for name in TABLES.values() if name}
    assert found.jobs["report"].schedule is not None


def write_least(header: str, key: str) -> str:
    """Return a table with what has to be beside a key."""
    lines = ["[companions.db]"] if header.startswith("companions") else []
    lines += [f"[{header.lower()}]"] if header else []
    if key == "stay":
        lines.append("volumes = ['/data']")
    if key == "compose_service":
        lines.append("compose = 'compose.yaml'")
    if header.startswith("jobs") and key != "command":
        lines.append("command = ['x']")
    if header.startswith("jobs") and key in SCHEDULED:
        lines.append("schedule = '* * * * *'")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("header", "key", "field"), KEYS)
def test_each_key_is_described_with_valid_examples(header: str, key: str, field: object) -> None:
    page = commit_settings.page()
    described = getattr(field, "description", None)
    assert described
    examples = getattr(field, "examples", None)
    assert examples
    for example in examples:
        line = f"{key} = {example}"
        least = write_least(header, key)
        if key == "compose_service":
            assert read(f"{least}{line}".encode(), BOUNDS, COMPOSE).settings.run.companions
            continue
        is_required = header.startswith("jobs") and key == "command"
        without = Manifest() if is_required else read(least.encode(), BOUNDS)
        file = COMPOSE if key == "compose" else None
        assert read(f"{least}{line}".encode(), BOUNDS, file) != without, line
        assert line.replace("|", "\\|") in page
