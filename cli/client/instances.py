"""Previews that are instances of variants, as answers show them."""

from collections.abc import Mapping


def find_commit(shown: Mapping[str, object]) -> str:
    """Return the commit of a preview that an answer shows.

    Its `sha` is an id, of its own for an instance of a variant. An older framework sends no commit.
    """
    return str(shown.get("commit") or shown["sha"])
