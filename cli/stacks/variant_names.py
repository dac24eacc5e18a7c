"""Finds the variant that a person names by its branch, or by its own name."""

from cli.client.generated.records import Stack
from prevs import names


def find_name(stack: Stack, typed: str) -> str:
    """Return the name of the variant that is meant; it may not be open."""
    for key in ("name", "ref"):
        if found := next((one["name"] for one in stack["variants"] if one[key] == typed), ""):
            return found
    longest = max((one["gate"] for one in stack["members"]), key=len)
    return names.variant_name(typed, longest)
