"""How far the daemon is with a pull, by its messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MB = 1_000_000
_WAITS = "Pulling fs layer"
_THERE = frozenset({"Pull complete", "Already exists"})
_LOADED = frozenset({"Download complete", "Verifying Checksum", "Extracting", *_THERE})


class PullProgress:
    """Takes the messages of one pull (docker's API, POST /images/create)."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def take(self, message: Mapping[str, Any]) -> str:
        """Return how far the pull is after one more message; "" if there is nothing to tell."""
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        detail = message.get("progressDetail") or {}
        if status == "Downloading" and isinstance(detail, Mapping):
            self._layers[layer] = (_number(detail, "current"), _number(detail, "total"))
        elif status == _WAITS:
            self._layers.setdefault(layer, (0, 0))
        elif status in _LOADED:
            _, total = self._layers.get(layer, (0, 0))
            self._layers[layer] = (total, total)
            if status in _THERE:
                self._done.add(layer)
        else:
            return ""
        return self._describe()

    def _describe(self) -> str:
        loaded = sum(current for current, _ in self._layers.values())
        total = sum(total for _, total in self._layers.values())
        layers = f"{len(self._done)}/{len(self._layers)} layers"
        return f"{layers}, {loaded / _MB:.0f} of {total / _MB:.0f} MB" if total else layers


def _number(detail: Mapping[str, Any], name: str) -> int:
    value = detail.get(name)
    return value if isinstance(value, int) else 0
