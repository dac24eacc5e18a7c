"""What commands get from outside: the environment, the API, the clock, and random keys."""

import functools
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.client import credentials
from cli.display.output import note

if TYPE_CHECKING:  # its imports would take longer than most commands that need no API
    from cli.client.api import Api


class CommandContext:
    """Created and closed by main; click passes it to each command."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def close(self) -> None:
        """Close the connections to the API, if any."""
        if "api" in self.__dict__:
            self.api.close()

    @functools.cached_property
    def api(self) -> "Api":
        """The API that the environment names. Raises BadCredentials."""
        return self.connect()

    def connect(self) -> "Api":
        """Return the API with connections of its own, for another thread. Raises BadCredentials."""
        known = credentials.read(self.environ)
        from cli.client.api import Api

        return Api(known, hold=self._hold)

    def new_key(self) -> str:
        """Return 32 random hex digits, for what must happen once even if it is sent twice."""
        return secrets.token_hex(16)

    def now(self) -> float:
        """Return the time, in seconds since the epoch."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Block for some seconds."""
        time.sleep(seconds)

    def _hold(self, seconds: float) -> None:
        note(f"The API limits the calls of this token. Trying again in {seconds:g} s ...")
        self.pause(seconds)
