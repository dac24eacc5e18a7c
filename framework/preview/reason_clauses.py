"""Reasons as the second half of a sentence. Pure."""

LONGEST_WHY = 300

_SMALL = frozenset(
    {"A", "An", "Another", "It", "Its", "No", "Nobody", "Nothing", "Somebody", "The", "This"}
)
"""Words with a capital only at the beginning of a sentence."""


def give_reason(why: str) -> str:
    """Return a reason as the second half of a sentence, in one line; "" for none."""
    line = " ".join(why.split())
    if line.partition(" ")[0] in _SMALL:
        line = line[0].lower() + line[1:]
    if len(line) > LONGEST_WHY:
        line = f"{line[: LONGEST_WHY - 1]}…"
    return f": {line.removesuffix('.')}" if line else ""
