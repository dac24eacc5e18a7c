"""The examples for CI are YAML of the form that each system demands."""

import pytest

from tests.unit.docs.ci_examples import Example, list_examples, read_job

EXAMPLES = {f"{one.page}: {one.title}": one for one in list_examples()}
SHA = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c"


def test_each_forge_has_an_example() -> None:
    assert {(one.page, one.is_shell) for one in EXAMPLES.values()} == {
        ("github", False),
        ("gitlab", False),
        ("gitea", False),
        ("ci", True),
    }
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_waits_for_the_preview_and_uses_its_address(name: str) -> None:
    example = EXAMPLES[name]
    script = read_job(example, SHA, dict.fromkeys(EXPRESSIONS, "x")).script
    assert "prevs start shop " in script
    assert "--wait --json" in script
    assert "curl --fail" in script
    assert example.is_shell or has_its_form(example)


EXPRESSIONS = (
    "vars.PREVS_API",
    "secrets.PREVS_TOKEN",
    "github.event.pull_request.head.sha",
    "github.sha",
)


def has_its_form(example: Example) -> bool:
    """Return whether an example has the keys that its system demands, and no secret in it."""
    loaded = example.load()
    if "workflows" in example.title:
        (job,) = loaded["jobs"].values()
        # YAML 1.1 takes the key `on` for true; GitHub and Gitea do not.
        return loaded[True] == ["push", "pull_request"] and {"runs-on", "steps"} <= {*job}
    if "woodpecker" in example.title:
        (step,) = loaded["steps"].values()
        return {"image", "commands"} <= {*step} and "from_secret" in {
            *step["environment"]["PREVS_TOKEN"]
        }
    (job,) = loaded.values()
    return {"image", "script", "rules", "environment"} <= {*job}
