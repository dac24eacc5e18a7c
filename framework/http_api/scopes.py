"""Which scope a call of the API needs. A write that is not told of here needs admin."""

from framework.access import Scope

_ADMIN = ("/v1/tokens", "/v1/audit")
"""What only admins may even read."""
_USE = ("/v1/previews", "/v1/uses", "/v1/refusals")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_guarded(path: str) -> bool:
    """Tell whether a path is the API's, which needs a token."""
    return _is_below(path, ("/v1",))


def find_needed(method: str, path: str) -> Scope:
    """Return the scope that a call needs."""
    if _is_below(path, _ADMIN):
        return Scope.ADMIN
    if method in _READS:
        return Scope.READ
    return Scope.USE if _is_below(path, _USE) else Scope.ADMIN


def _is_below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)
