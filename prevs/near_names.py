"""Finds the names that are similar to a name that does not exist."""

import difflib
from collections.abc import Iterable

_ALIKE = 0.6


def find_near(name: str, known: Iterable[str], most: int) -> list[str]:
    """Return the names that look like `name`, ignoring case, the most similar first."""
    by_small = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_small, most, _ALIKE)
    return [by_small[one] for one in near]
