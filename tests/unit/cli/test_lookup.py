"""From what a person calls a preview to the preview."""

from typing import Any, cast

import pytest

from cli.answers import Label, Preview
from cli.errors import ApiRefused, Problem
from cli.lookup import choose, find
from prevs import names
from tests.fakes import answers as fake


class Answers:
    """An API that knows some labels and some previews."""

    def __init__(self, labels: dict[str, str], *previews: dict[str, Any]) -> None:
        self.labels = labels
        self.known = {p["sha"]: cast(Preview, p) for p in previews}

    def resolve(self, app: str, label: str) -> Label:
        if label not in self.labels:
            raise ApiRefused(Problem("unknown-label", 404, "No", "No.", {}))
        return cast(Label, {"sha": self.labels[label]})

    def preview(self, app: str, sha: str) -> Preview:
        if sha not in self.known:
            raise ApiRefused(Problem("unknown-preview", 404, "No", "No.", {}))
        return self.known[sha]

    def previews(self, *, app: str | None = None, state: str | None = None) -> list[Preview]:
        return list(self.known.values())


OLD = fake.preview(sha=fake.OTHER_SHA, labels=["main"], state="running", created=1.0)
NEW = fake.preview(sha=fake.SHA, labels=["main"], state="stopped", created=2.0)


def test_a_label_leads_to_its_commit_even_if_another_was_started_under_it() -> None:
    assert find(Answers({"main": fake.SHA}, OLD, NEW), "hello", "main")["sha"] == fake.SHA


def test_a_branch_name_is_looked_up_by_its_label() -> None:
    api = Answers({names.slug("feature/x"): fake.SHA}, NEW)
    assert find(api, "hello", "feature/x")["sha"] == fake.SHA


def test_a_whole_commit_is_not_looked_up() -> None:
    assert find(Answers({}, NEW), "hello", fake.SHA)["sha"] == fake.SHA


@pytest.mark.parametrize("labels", [{}, {"main": "0" * 40}])
def test_a_branch_that_is_gone_or_moved_names_what_was_started_under_it(
    labels: dict[str, str],
) -> None:
    assert find(Answers(labels, OLD), "hello", "main")["sha"] == fake.OTHER_SHA


def test_what_nobody_knows_stays_unknown() -> None:
    with pytest.raises(ApiRefused):
        find(Answers({}, OLD), "hello", "other")


def test_of_several_the_active_one_is_chosen() -> None:
    chosen = choose([cast(Preview, OLD), cast(Preview, NEW)], "main")
    assert chosen is not None
    assert chosen["sha"] == fake.OTHER_SHA


def test_digits_that_begin_two_commits_choose_none() -> None:
    known = [cast(Preview, OLD), cast(Preview, NEW)]
    assert choose(known, "de6b329") is None
    chosen = choose(known, "de6b329c")
    assert chosen is not None
    assert chosen["sha"] == fake.SHA
