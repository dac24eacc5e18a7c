"""Whether the Mesos master asks who one is: it is asked as anybody would, and for its flags."""

from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from framework.errors import Unavailable
from framework.service import openness

_TIMEOUTS_S = (2.0, 3.0)


class MesosAccess:
    """Looks at the leading master; `master` gives it as host:port, None while it isn't known.

    With an `authority` it is asked by TLS, and has a certificate of that.
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
        """Return what is open, as openness.Look. Blocks. Raises Unavailable."""
        master = self._master()
        if master is None:
            raise Unavailable("The Mesos master")
        flags = self._ask(master, None)
        answers_anybody = flags is not None
        if flags is None and self._credential:
            flags = self._ask(master, self._credential)
        return openness.judge_master(master, answers_anybody=answers_anybody, flags=flags)

    def _ask(self, master: str, credential: tuple[str, str] | None) -> Mapping[str, str] | None:
        """Return the flags, None where this one is not told. Raises Unavailable."""
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
