"""The preview that a name means."""

from typing import Any, cast

import pytest

from cli.client.generated.records import Lead, Preview, Previews
from cli.client.paging import Listed
from cli.errors import ApiRefused, Problem
from cli.names.lookup import choose, find
from prevs import names
from tests.fakes import answers as fake


class Answers:
    """An API that knows some labels and some previews."""

    def __init__(self, labels: dict[str, str], *previews: dict[str, Any]) -> None:
        self.labels = labels
        self.known = {p["sha"]: cast(Preview, p) for p in previews}

    def show_label(self, app: str, label: str) -> Lead:
        if label not in self.labels:
            raise ApiRefused(Problem("unknown-label", 404, "No", "No.", {}))
        return cast(Lead, {"sha": self.labels[label]})

    def show_preview(self, app: str, sha: str) -> Preview:
        if sha not in self.known:
            raise ApiRefused(Problem("unknown-preview", 404, "No", "No.", {}))
        return self.known[sha]

    def list_previews(self, *, app: str | None = None) -> Listed[Preview, Previews]:
        return Listed(list(self.known.values()), more=False, page=cast(Any, {}))


OLD = fake.preview(sha=fake.OTHER_SHA, labels=["main"], state="running", created=1.0)
NEW = fake.preview(sha=fake.SHA, labels=["main"], state="stopped", created=2.0)


@pytest.mark.parametrize(
    ("labels", "known", "name", "sha"),
    [
        ({"main": fake.SHA}, [OLD, NEW], "main", fake.SHA),
        ({names.slug("feature/x"): fake.SHA}, [NEW], "feature/x", fake.SHA),
        ({}, [NEW], fake.SHA, fake.SHA),
        ({}, [OLD], "main", fake.OTHER_SHA),
        ({"main": "0" * 40}, [OLD], "main", fake.OTHER_SHA),
    ],
    ids=[
        "a label leads to its commit even if another was started under it",
        "a branch name is looked up by its label",
        "a whole commit is not looked up",
        "a branch that is gone names what was started under it",
        "and so does one that moved",
    ],
)
def test_a_preview_is_found_by_any_of_its_names(
    labels: dict[str, str], known: list[dict[str, Any]], name: str, sha: str
) -> None:
    assert find(Answers(labels, *known), "hello", name)["sha"] == sha


def test_an_unknown_name_stays_unknown() -> None:
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


def test_digits_of_a_commit_mean_its_own_preview_and_else_the_one_instance_there() -> None:
    instance = fake.preview(sha="1" * 40, commit=fake.SHA, labels=["x--shop"])
    other = fake.preview(sha="2" * 40, commit=fake.SHA, labels=["y--shop"])
    [one, two, own] = [cast(Preview, each) for each in (instance, other, NEW)]
    assert choose([one], fake.SHA[:12]) is one
    assert choose([one, two], fake.SHA[:12]) is None
    assert choose([one, two, own], fake.SHA[:12]) is own
    assert choose([one, own], "1111111") is one


def test_digits_of_a_commit_that_another_preview_serves_mean_that_one() -> None:
    serving = cast(Preview, fake.preview(sha="1" * 40, commit="1" * 40, same=["3" * 40]))
    assert choose([serving, cast(Preview, OLD)], "3333333") is serving
