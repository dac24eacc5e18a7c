from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.git.resolution import (
    MOST_MEANT,
    Ref,
    explain_no_label,
    explain_unknown,
    find_default,
    find_heads,
    find_meant,
    label_refs,
    read_refs,
    show_name,
)
from prevs import names

A, B, C = "a" * 40, "b" * 40, "c" * 40

ref_names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs")), min_size=1)
refs = st.builds(Ref, ref_names, st.sampled_from(["branch", "tag"]), st.sampled_from([A, B, C]))


@given(st.lists(refs, unique_by=lambda ref: (ref.kind, ref.name)))
def test_every_ref_has_a_label_of_its_own_unless_two_share_it(all_refs: Sequence[Ref]) -> None:
    labels = label_refs(all_refs)
    for ref in all_refs:
        label = names.slug(ref.name)
        assert names.is_label(label)
        sharing = {other.sha for other in all_refs if names.slug(other.name) == label}
        assert {found.sha for found in labels[label]} == sharing
        if len(sharing) == 1:
            assert find_heads(labels)[label] == ref.sha
        else:
            assert find_heads(labels)[label] is None


@pytest.mark.parametrize("order", [1, -1])
def test_a_branch_comes_before_a_tag_of_the_same_commit(order: int) -> None:
    both = [Ref("v1", "tag", A), Ref("v1", "branch", A)][::order]
    assert label_refs(both) == {"v1": (Ref("v1", "branch", A),)}


def test_a_branch_and_a_tag_of_different_commits_are_ambiguous() -> None:
    labels = label_refs([Ref("v1", "tag", A), Ref("v1", "branch", B)])
    assert labels == {"v1": (Ref("v1", "branch", B), Ref("v1", "tag", A))}


@pytest.mark.parametrize(
    ("refs", "label"),
    [
        ([], ""),
        ([Ref("v1", "tag", A)], ""),
        ([Ref("develop", "branch", A), Ref("v1", "tag", A)], "develop"),
        ([Ref("develop", "branch", A), Ref("next", "branch", A)], ""),
        ([Ref("develop", "branch", A), Ref("master", "branch", B)], "master"),
        ([Ref("master", "branch", A), Ref("main", "branch", B), Ref("main", "tag", A)], "main"),
        ([Ref("main", "tag", A), Ref("trunk", "branch", B), Ref("x", "branch", B)], "trunk"),
    ],
)
def test_the_default_branch_has_a_usual_name_or_is_the_only_one(
    refs: Sequence[Ref], label: str
) -> None:
    assert find_default(label_refs(refs)) == label


def test_a_listing_has_peeled_tags_and_no_tags_of_trees() -> None:
    listing = "\n".join(
        [
            f"commit {A}   refs/heads/main",
            f"commit {A}   refs/heads/feature/a",
            f"tag {C} commit {B} refs/tags/v1",
            f"commit {B}   refs/tags/light",
            f"tree {C}   refs/tags/a-tree",
            f"tag {C} blob {C} refs/tags/a-blob",
        ]
    )
    assert read_refs(listing) == (
        Ref("main", "branch", A),
        Ref("feature/a", "branch", A),
        Ref("v1", "tag", B),
        Ref("light", "tag", B),
    )
    assert read_refs("") == ()


def test_a_name_with_odd_characters_stays_one_line() -> None:
    (ref,) = read_refs(f"commit {A}   refs/heads/a\u2028b\x85c")
    assert ref.name == "a\u2028b\x85c"


def test_a_name_that_is_not_utf_8_is_shown_anyway() -> None:
    assert show_name(Ref("caf\udce9", "branch", A)) == "caf\ufffd"
    assert show_name(Ref(A, "commit", A)) is None


def test_an_invalid_label_gets_the_slug_of_a_branch_of_that_name() -> None:
    assert names.slug("feature/a") in explain_no_label("feature/a")


@pytest.mark.parametrize(
    ("label", "has_refs", "unreached", "why"),
    [
        ("abcdef0", True, [A], "no branch or tag reaches it"),
        ("main", False, [], "no branches and no tags yet"),
        ("abcdef0", True, [], "no commit whose id begins with it"),
        ("abcd", True, [], "at least 7 digits"),
        ("abc", True, [], "at least 7 digits"),
        ("main", True, [], "no branch or tag of that name."),
    ],
)
def test_an_unknown_label_has_a_reason(
    label: str, has_refs: bool, unreached: Sequence[str], why: str
) -> None:
    known = [Ref("trunk", "branch", B)] if has_refs else []
    assert why in explain_unknown(label, known, unreached)


def find(label: str, *branches: str) -> list[tuple[str, bool]]:
    all_refs = [Ref(name, "branch", A) for name in branches]
    return [(one.label, one.near) for one in find_meant(label, all_refs, label_refs(all_refs))]


def test_similar_labels_and_a_usual_branch_are_suggested() -> None:
    assert find("mian", "main", "other") == [("main", True)]
    assert find("fature-cart", "main", "feature/cart") == [
        (names.slug("feature/cart"), True),
        ("main", False),
    ]
    assert find("zzz", "trunk", "other") == [("trunk", False)]
    assert find("zzz", "other") == []
    assert find("zzz") == []


def test_suggestions_fit_on_a_page_and_not_every_label_is_compared() -> None:
    assert len(find("release-1", "main", *(f"release-1{n}" for n in range(50)))) == MOST_MEANT
    assert find("last", *(f"{n:08}" for n in range(5000)), "last1") == []


def test_a_suggestion_has_its_name_and_its_address() -> None:
    all_refs = [Ref("Größe/1", "tag", B)]
    [meant] = find_meant("größe-1", all_refs, label_refs(all_refs))
    assert meant == (names.slug("Größe/1"), "tag", "Größe/1", B, True)
