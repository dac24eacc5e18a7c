"""Finds out whether the Mesos master authenticates: requests its flags without a credential."""

from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from framework.errors import Unavailable
from framework.service import exposure

_TIMEOUTS_S = (2.0, 3.0)


class MesosAccess:
    """Looks at the leading master; `master` returns its host:port, None while it is unknown.

    With an `authority`, the master is reached by TLS and must have a certificate by that authority.
    """

    def __init__(
        self,
        master: Callable[[], str | None],
        credential: tuple[str, str] | None,
        *,
        authority: Path | None = None,
    ) -> None:
        self._master = master
        self._credential = credential
        self._verify = str(authority) if authority else True
        self._scheme = "https" if authority else "http"

    def look(self) -> str | None:
        """Return what is open, as an exposure.Look. Blocks. Raises Unavailable."""
        master = self._master()
        if master is None:
            raise Unavailable("The Mesos master")
        flags = self._read_flags(master, None)
        answers_anybody = flags is not None
        if flags is None and self._credential:
            flags = self._read_flags(master, self._credential)
        return exposure.judge_master(master, answers_anybody=answers_anybody, flags=flags)

    def _read_flags(
        self, master: str, credential: tuple[str, str] | None
    ) -> Mapping[str, str] | None:
        """Return the flags; None if the master refuses them. Raises Unavailable."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.auth = credential
                session.verify = self._verify
                answer = session.get(f"{self._scheme}://{master}/flags", timeout=_TIMEOUTS_S)
                if answer.status_code in (401, 403):
                    return None
                answer.raise_for_status()
                flags: Mapping[str, str] = answer.json()["flags"]
        except (requests.RequestException, KeyError, TypeError) as error:
            raise Unavailable(f"The Mesos master {master}") from error
        return flags
