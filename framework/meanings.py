"""The commits, branches and tags that a label may mean, as values."""

from typing import NamedTuple


class Meaning(NamedTuple):
    """One of the commits that an ambiguous label may mean.

    `kind` is branch, tag, pull or commit.
    """

    sha: str
    kind: str
    ref: str | None
    subject: str


class Suggestion(NamedTuple):
    """A branch or tag that a label may have meant; `near` if their names are similar.

    `kind` is branch or tag, `ref` its name, `label` what addresses it.
    """

    label: str
    kind: str
    ref: str
    sha: str
    near: bool
