"""The examples for CI in docs/forges, as YAML and as the shell that their jobs run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).parents[3] / "docs" / "forges"
_BLOCK = re.compile(r"^    (?:# \.|#!)\S.*\n(?:    .*\n|\n(?=    ))+", re.M)
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


class Example(NamedTuple):
    """An example: its page, its first line, and all of it without the indentation."""

    page: str
    title: str
    text: str

    @property
    def is_shell(self) -> bool:
        """Whether it is a script, and not YAML."""
        return self.title.startswith("#!")

    def load(self) -> Any:
        """Return what the YAML means."""
        return yaml.safe_load(self.text)


class Job(NamedTuple):
    """What a runner of CI does: a script for a shell, in an environment.

    `variables` are those that the example itself sets; the others are the CI's.
    """

    script: str
    variables: Mapping[str, str] = {}
    arguments: Sequence[str] = ()


def list_examples() -> Sequence[Example]:
    """Return all examples, by page."""
    return [
        Example(page.stem, found.partition("\n")[0].strip(), re.sub("^    ", "", found, flags=re.M))
        for page in sorted(FOLDER.glob("*.md"))
        for found in _BLOCK.findall(page.read_text())
    ]


def read_job(example: Example, commit: str, values: Mapping[str, str]) -> Job:
    """Return the one job of an example, for a commit.

    `values` are those of GitHub's expressions. A shell is run as each system does: GitHub, Gitea
    and Woodpecker with -e, GitLab ends at the first line that fails.
    """
    if example.is_shell:
        return Job(example.text, arguments=(commit,))
    loaded = example.load()
    if "jobs" in loaded:
        (job,) = loaded["jobs"].values()
        variables = {name: _evaluate(text, values) for name, text in job["env"].items()}
        return Job("\n".join(step["run"] for step in job["steps"]), variables)
    if "steps" in loaded:
        (step,) = loaded["steps"].values()
        return Job("\n".join(step["commands"]))
    (job,) = loaded.values()
    return Job("\n".join(job["script"]))


def _evaluate(text: str, values: Mapping[str, str]) -> str:
    """Return a text of GitHub's, with the first value of each `a || b` that there is."""

    def replace(found: re.Match[str]) -> str:
        return next(_find(found[1], values))

    return _EXPRESSION.sub(replace, text)


def _find(expression: str, values: Mapping[str, str]) -> Iterator[str]:
    for name in expression.split(" || "):
        if value := values[name.strip()]:
            yield value
