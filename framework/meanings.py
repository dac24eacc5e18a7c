"""What a label may mean, as values."""

from typing import NamedTuple


class Candidate(NamedTuple):
    """One of the commits that an ambiguous label may mean. `kind` is branch, tag or commit."""

    sha: str
    kind: str
    ref: str | None
    subject: str


class Meant(NamedTuple):
    """A branch or tag that may have been meant by a label; `near` where that looks like it.

    `kind` is branch or tag, `ref` its name, `label` what addresses it.
    """

    label: str
    kind: str
    ref: str
    sha: str
    near: bool
