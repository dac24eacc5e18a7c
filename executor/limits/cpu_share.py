"""Converts CPUs to docker's CPU shares, so that one CPU weighs the same on v1 and v2. Pure.

With v1 a group has 1024 shares by default, with v2 a weight of 100. A preview of one CPU has to get
just that, beside other tasks and units. Docker takes only shares, and its runtime converts them to
a weight. runc before 1.3.2 (and 1.4.0-rc.1) does that linearly, so that 1024 become 39. Later
versions use a curve, on which 1024 become 100 and 102 become 17
(https://github.com/opencontainers/runc/issues/4772 and 4896).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_SHARES, _WEIGHT = 1024, 100
"""The defaults of a group."""

_LEAST_SHARES, _MOST_SHARES = 2, 262144
_LEAST_WEIGHT, _MOST_WEIGHT = 1, 10000
_CURVED = (1, 3, 2)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def shares(cpus: float) -> int:
    """Return the shares for so many CPUs on v1."""
    return max(_LEAST_SHARES, int(cpus * _SHARES))


def shares_of_weight(cpus: float, *, curved: bool) -> int:
    """Return the shares that a runtime converts to the weight of so many CPUs on v2."""
    weight = min(max(_LEAST_WEIGHT, round(cpus * _WEIGHT)), _MOST_WEIGHT)
    found = _on_curve(weight) if curved else _on_line(weight)
    return min(max(_LEAST_SHARES, found), _MOST_SHARES)


def is_curved(version: Mapping[str, Any]) -> bool:
    """Return whether a daemon's runtime uses the curve, by the daemon's /version."""
    for part in version.get("Components") or ():
        found = _VERSION.match(str(part.get("Version", "")))
        if part.get("Name") == "runc" and found:
            return tuple(map(int, found.groups())) >= _CURVED
    return False


def _on_line(weight: int) -> int:
    """Invert weight = 1 + (shares - 2) * 9999 / 262142 (opencontainers/cgroups, utils.go)."""
    span = _MOST_SHARES - _LEAST_SHARES
    return _LEAST_SHARES + math.ceil((weight - 1) * span / (_MOST_WEIGHT - _LEAST_WEIGHT))


def _on_curve(weight: int) -> int:
    """Invert weight = ceil(10 ^ ((l * l + 125 * l) / 612 - 7 / 34)), l = log2(shares).

    (opencontainers/cgroups 0.0.3, utils.go.)
    """
    exponent = math.log10(weight) + 7 / 34
    return math.floor(2 ** ((math.sqrt(125 * 125 + 4 * 612 * exponent) - 125) / 2))
