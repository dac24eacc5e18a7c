"""Who may look at the previews of each app, and what a pass allows. Pure.

HAProxy checks each request by the same rules (proxy/haproxy/access.cfg.j2). Times are seconds since
the epoch.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from prevs import names, signatures
from prevs.access import Access, AccessRecord
from prevs.records import RecordError
from program.passes.passes import ANY_HOST, Pass, read_pass
from proxy.model.trust import UNSIGNED, Node

KNOWN = "~KNOWN"
"""The key that is in the map of apps once who may look has been read. No app has that name."""
CLOSED = "-1|closed"
"""The value of a closed app. HAProxy compares eras as numbers: no pass has this one, and the first
one of an app may be 0."""

_PREFLIGHT = "preflight"
_TEAM = "team"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class AppAccess(NamedTuple):
    """Who may look at an app that is not public: holders of a pass of its `era`.

    `passes` are the ids of the issued passes that are in force. With `preflight`, CORS preflights
    need no pass. Visitors of an app for its `team` sign in, those of others enter a password.
    Nobody gets in if it is `closed`.
    """

    era: int = 0
    preflight: bool = False
    passes: frozenset[str] = frozenset()
    closed: bool = False
    team: bool = False

    def __str__(self) -> str:
        """Return the value in HAProxy's map of apps; the number in front is the era."""
        if self.closed:
            return CLOSED
        preflight = f"{self.era}|{_PREFLIGHT if self.preflight else ''}"
        return f"{preflight}|{_TEAM}" if self.team else preflight


Accesses = Mapping[str, AppAccess]
"""By app; all other apps are public. None in its place: who may look was never read."""


class SeenAccess(NamedTuple):
    """What an app's node of a certain `written` means; `access` is None for a public app."""

    written: int
    access: AppAccess | None
    problem: str = ""


def learn(
    known: Mapping[str, SeenAccess], nodes: Mapping[str, Node], keys: Collection[bytes]
) -> Mapping[str, SeenAccess]:
    """Return what is known after reading `nodes`, the znodes of all apps.

    An app whose record is not readable, or not signed with one of `keys`, is closed.
    """
    learned = {}
    for app, node in nodes.items():
        before = known.get(app)
        is_known = before is not None and before.written == node.written
        learned[app] = before if before and is_known else _read(app, node, keys)
    return learned


def _read(app: str, node: Node, keys: Collection[bytes]) -> SeenAccess:
    try:
        record = AccessRecord.decode(node.data)
    except RecordError as error:
        return SeenAccess(node.written, AppAccess(closed=True), str(error))
    if problem := _find_problem(app, record, keys):
        return SeenAccess(node.written, AppAccess(closed=True), problem)
    if record.access is Access.PUBLIC:
        return SeenAccess(node.written, None)
    access = AppAccess(
        record.era,
        record.preflight,
        frozenset(record.passes),
        team=record.access is Access.TEAM,
    )
    return SeenAccess(node.written, access)


def _find_problem(app: str, record: AccessRecord, keys: Collection[bytes]) -> str:
    if not signatures.is_access_signed(keys, record):
        return UNSIGNED
    if record.app != app:
        return f"it belongs to the app {record.app!r}"
    odd = next((one for one in record.passes if not _ID.fullmatch(one)), None)
    return "" if odd is None else f"{odd!r} cannot be the id of a pass"


def list_guarded(seen: Mapping[str, SeenAccess]) -> Accesses:
    """Return who may look at the apps that are not public."""
    return {
        app: one.access
        for app, one in seen.items()
        if one.access is not None and names.is_app_name(app)
    }


def write_apps(accesses: Accesses | None) -> Mapping[str, str]:
    """Return the entries of HAProxy's map of apps."""
    if accesses is None:
        return {}
    return {KNOWN: "1", **{app: str(access) for app, access in accesses.items()}}


def write_passes(accesses: Accesses | None) -> Mapping[str, str]:
    """Return the entries of HAProxy's map of issued passes."""
    found = (accesses or {}).items()
    return {f"{app}/{one}": "1" for app, access in found for one in sorted(access.passes)}


def parse(apps: Mapping[str, str], passes: Collection[str]) -> Accesses | None:
    """Return what `write_apps` and `write_passes` have written."""
    if KNOWN not in apps:
        return None
    ids: dict[str, set[str]] = {app: set() for app in apps if app != KNOWN}
    for app, _, one in (key.partition("/") for key in passes):
        ids.get(app, set()).add(one)
    return {app: _parse(apps[app], frozenset(of_app)) for app, of_app in ids.items()}


def _parse(value: str, passes: frozenset[str]) -> AppAccess:
    era, *settings = value.split("|")
    if not era.isdecimal():
        return AppAccess(closed=True)
    return AppAccess(int(era), _PREFLIGHT in settings, passes, team=_TEAM in settings)


def find_pass(access: AppAccess, text: str, keys: Collection[str], *, app: str) -> Pass | None:
    """Return what a text that one of `keys` has signed allows for `app`; None if nothing any more.

    Whether its host, time and purpose are right is for the caller to check.
    """
    found = None if access.closed else read_pass(keys, text)
    if found is None or (found.app, found.era) != (app, access.era):
        return None
    return found if not found.id or found.id in access.passes else None


def opens(found: Pass | None, host: str, now: float, *, purpose: str = "") -> bool:
    """Return whether what `find_pass` found counts at a host, at this time."""
    if found is None or found.purpose != purpose:
        return False
    return found.host in (host, ANY_HOST) and found.until > now
