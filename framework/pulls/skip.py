"""Which commits and pull requests ask to be passed over. Pure."""

_MARKS = ("[skip preview]", "[skip prevs]", "[preview skip]")


def is_skipped(*texts: str) -> bool:
    """Return whether one of `texts` has a mark: [skip preview], [skip prevs] or [preview skip].

    The texts are the subject of the head commit, and the title of its pull request if there is one.
    Case does not matter. A marked commit is not built ahead, and nothing is said about it on the
    forge; a visit still builds it: whoever opens an address asks for it. `[skip ci]` is no mark: it
    is about CI.
    """
    return any(mark in text.lower() for text in texts for mark in _MARKS)
