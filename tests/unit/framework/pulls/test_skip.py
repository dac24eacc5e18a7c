import pytest

from framework.pulls.skip import is_skipped


@pytest.mark.parametrize("mark", ["[skip preview]", "[skip prevs]", "[preview skip]"])
def test_a_mark_anywhere_in_one_of_the_texts_counts(mark: str) -> None:
    assert is_skipped(f"Fix a typo {mark}")
    assert is_skipped("Fix a typo", f"{mark.upper()} Documentation")


@pytest.mark.parametrize(
    "text", ["", "Fix a typo", "Add [skip ci]", "skip preview", "[skip previews]", "[skip  prevs]"]
)
def test_everything_else_does_not(text: str) -> None:
    assert not is_skipped(text)
    assert not is_skipped(text, text)
    assert not is_skipped()
