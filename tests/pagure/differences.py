"""Compares what a double of Pagure answers with what a real one does."""

from collections.abc import Iterator
from typing import Any


def find_differences(ours: Any, real: Any, where: str = "") -> Iterator[str]:
    """Find what a double's answer has that the real one has not, or has in another type."""
    if ours is None or real is None or "group" in where:
        return  # an example of one kind says nothing of the other
    if type(ours) is not type(real):
        yield f"{where} is {real!r}, not {ours!r}"
    elif isinstance(ours, dict):
        for name, value in ours.items():
            if name in real:
                yield from find_differences(value, real[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is no field"
    elif isinstance(ours, list) and ours and real:
        yield from find_differences(ours[0], real[0], f"{where}[]")
