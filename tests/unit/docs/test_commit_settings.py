"""The reference of .prevs.toml has every key, and its examples are valid."""

import tomllib

import pytest

from docs.generated import commit_settings
from framework.apps.manifest import Bounds, read
from framework.apps.manifest.keys import Manifest, find_table
from prevs.commit_settings import CommitSettings

BOUNDS = Bounds("shop", "services/web", 0.5, 512)
KEYS = [
    (name, key, field)
    for name in Manifest.model_fields
    for table in [find_table((name,))]
    for key, field in (table.model_fields if table else {"": Manifest.model_fields[name]}).items()
]


def test_the_example_is_accepted_and_has_every_table() -> None:
    assert read(commit_settings.EXAMPLE.encode(), BOUNDS) != CommitSettings()
    assert set(tomllib.loads(commit_settings.EXAMPLE)) >= {"health", "resources", "build", "hooks"}


@pytest.mark.parametrize(("name", "key", "field"), KEYS)
def test_each_key_is_described_with_valid_examples(name: str, key: str, field: object) -> None:
    page = commit_settings.page()
    described = getattr(field, "description", None)
    assert described
    examples = getattr(field, "examples", None)
    assert examples
    for example in examples:
        line = f"{key or name} = {example}"
        text = f"[{name}]\n{line}" if key else line
        assert read(text.encode(), BOUNDS) != CommitSettings(), text
        assert line.replace("|", "\\|") in page
