"""Labels resolved in mirrors of real git repositories."""

import hashlib
import subprocess

import pytest

from framework.errors import AmbiguousLabel, UnknownLabel
from framework.git.mirrors import Mirrors
from prevs import names
from prevs.records import AppRecord
from tests.integration.git.refs.sources import Clock, Source, why_unknown

pytestmark = pytest.mark.integration


def test_a_branch_a_tag_and_a_commit_lead_to_their_commits(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("tag", "light")
    source.git("tag", "-a", "v1", "-m", "annotated")
    source.git("tag", "-a", "v1-again", "v1", "-m", "a tag of a tag")
    second = source.commit("Say hello")

    main = mirrors.resolve(app, "main")
    assert main[:6] == (second, "branch", "main", "Ada", "Say hello", 1764072000.0)
    assert (main.age, main.problem) == (None, "")
    assert main.refs == ("heads/main",)
    assert mirrors.resolve(app, first).refs == ("tags/light", "tags/v1", "tags/v1-again")
    for tag in ("light", "v1", "v1-again"):
        assert mirrors.resolve(app, tag)[:3] == (first, "tag", tag)
    for digits in (7, 12, 40):
        assert mirrors.resolve(app, first[:digits])[:3] == (first, "commit", None)
    assert mirrors.heads(app).commits == {
        "main": second,
        "light": first,
        "v1": first,
        "v1-again": first,
    }


def test_a_branch_with_slashes_is_reached_at_its_slug(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    sha = source.commit("Begin")
    source.git("branch", "feature/A_b")
    slug = names.slug("feature/A_b")
    assert mirrors.resolve(app, slug)[:3] == (sha, "branch", "feature/A_b")
    assert slug in why_unknown(mirrors, app, "feature/A_b")


def test_a_branch_that_looks_like_a_commit_is_the_branch(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    second = source.commit("Go on")
    source.git("branch", first[:8], second)
    assert mirrors.resolve(app, first[:8])[:2] == (second, "branch")
    assert mirrors.resolve(app, first[:9])[:2] == (first, "commit")


def test_tags_of_trees_and_blobs_do_not_exist(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    sha = source.commit("Begin")
    tree = source.git("rev-parse", "HEAD^{tree}")
    source.git("tag", "a-tree", tree)
    source.git("tag", "-a", "an-annotated-tree", tree, "-m", "x")
    annotated = source.git("rev-parse", "an-annotated-tree")
    assert mirrors.heads(app).commits == {"main": sha}
    for label in ("a-tree", "an-annotated-tree", tree, tree[:9], annotated, annotated[:9]):
        assert "no branch" in why_unknown(mirrors, app, label)


def test_a_branch_and_a_tag_of_one_name_are_ambiguous_where_they_differ(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    first = source.commit("Begin")
    source.git("tag", "main")
    assert mirrors.resolve(app, "main")[:2] == (first, "branch")
    second = source.commit("Go on")
    clock.now += 10
    with pytest.raises(AmbiguousLabel) as raised:
        mirrors.resolve(app, "main")
    assert [tuple(one) for one in raised.value.candidates] == [
        (second, "branch", "main", "Go on"),
        (first, "tag", "main", "Begin"),
    ]
    assert mirrors.heads(app).commits == {"main": None}


def test_a_short_commit_with_two_meanings_is_ambiguous_until_it_has_more_digits(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    one, other = make_twins(source)
    with pytest.raises(AmbiguousLabel) as raised:
        mirrors.resolve(app, one[:7])
    assert {candidate.sha for candidate in raised.value.candidates} == {one, other}
    assert {candidate.kind for candidate in raised.value.candidates} == {"commit"}
    same = next(n for n in range(40) if one[n] != other[n])
    assert mirrors.resolve(app, one[: same + 1]).sha == one


def test_only_the_reachable_one_of_two_meanings_counts(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    one, other = make_twins(source)
    with pytest.raises(AmbiguousLabel):
        mirrors.resolve(app, one[:7])
    source.git("update-ref", "-d", f"refs/heads/twin-{other}")
    clock.now += 10
    assert mirrors.resolve(app, one[:7]).sha == one


def test_a_commit_that_no_branch_or_tag_reaches_does_not_exist(
    source: Source, mirrors: Mirrors, app: AppRecord, clock: Clock
) -> None:
    first = source.commit("Begin")
    lost = source.commit("A mistake")
    assert mirrors.resolve(app, lost).sha == lost
    source.git("reset", "--quiet", "--hard", first)
    clock.now += 10
    assert mirrors.resolve(app, "main").sha == first
    for label in (lost, lost[:7]):
        assert "no branch or tag reaches it" in why_unknown(mirrors, app, label)
    source.git("tag", "found", lost)
    clock.now += 10
    assert mirrors.resolve(app, lost[:7]).sha == lost


def test_only_branches_and_tags_are_mirrored(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("update-ref", "refs/pull/1/head", source.commit("A stranger's change"))
    source.git("reset", "--quiet", "--hard", first)
    stranger = source.git("rev-parse", "refs/pull/1/head")
    assert "no branch" in why_unknown(mirrors, app, stranger)


def test_an_unknown_name_and_an_empty_repository_have_a_reason(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    assert "no branches and no tags yet" in why_unknown(mirrors, app, "main")
    assert mirrors.heads(app).commits == {}
    source.commit("Begin")
    assert "no branch or tag of that name" in why_unknown(mirrors, app, "nope")
    assert "whose id begins with it" in why_unknown(mirrors, app, "0123456789")
    assert "begins with it" in why_unknown(mirrors, app, "0" * 40)
    assert "not a DNS label" in why_unknown(mirrors, app, "-x")


def make_twins(source: Source) -> tuple[str, str]:
    """Return two commits of branches of their own whose ids begin with the same 7 digits.

    Such a pair is found by trying: about one pair is among 2^14 ids.
    """
    source.commit("Begin")
    seen: dict[str, int] = {}
    tree = source.git("rev-parse", "HEAD^{tree}")
    for number in range(200_000):
        sha = hash_commit(tree, number)
        twin = seen.setdefault(sha[:7], number)
        if twin != number:
            break
    one, other = (write_commit(source, tree, found) for found in (twin, number))
    assert one[:7] == other[:7]
    for sha in (one, other):
        source.git("branch", f"twin-{sha}", sha)
    return one, other


def spell_commit(tree: str, number: int) -> bytes:
    who = "Ada <ada@example.org> 1764072000 +0000"
    return f"tree {tree}\nauthor {who}\ncommitter {who}\n\nTwin {number}\n".encode()


def hash_commit(tree: str, number: int) -> str:
    body = spell_commit(tree, number)
    return hashlib.sha1(b"commit %d\0%b" % (len(body), body)).hexdigest()


def write_commit(source: Source, tree: str, number: int) -> str:
    command = ["git", "-C", str(source.folder), "hash-object", "-t", "commit", "-w", "--stdin"]
    done = subprocess.run(
        command, input=spell_commit(tree, number), check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def test_a_commit_has_every_branch_and_tag_that_leads_to_it_and_no_earlier_one(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    first = source.commit("Begin")
    source.git("branch", "evil")
    lead = mirrors.resolve(app, "evil")
    assert lead.refs == ("heads/evil", "heads/main"), "all refs are listed, for any label"
    second = source.commit("Say hello")
    source.git("tag", "main", first)
    assert mirrors.resolve(app, second).refs == ("heads/main",)
    assert mirrors.resolve(app, first).refs == ("heads/evil", "tags/main")
    assert mirrors.heads(app).refs[second] == ("heads/main",)


def test_a_mistyped_branch_comes_with_similar_names(
    source: Source, mirrors: Mirrors, app: AppRecord
) -> None:
    sha = source.commit("Begin")
    source.git("branch", "feature/cart")
    with pytest.raises(UnknownLabel) as raised:
        mirrors.resolve(app, "feature-crat")
    label = names.slug("feature/cart")
    assert raised.value.meant == (
        (label, "branch", "feature/cart", sha, True),
        ("main", "branch", "main", sha, False),
    )
