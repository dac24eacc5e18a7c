"""Who is who for a local Mesos: the files by which its programs, and who asks them, say it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

OPERATOR, FRAMEWORK, READER, AGENT = "operator", "prevs", "reader", "agent"
"""People and `prevs local` itself; the framework; the framework for agents; agents for the master.

`operator` and the framework may do all. What every agent has, and so whoever takes one over, may
do little: an agent registers, and the reader reads, as the two files of ACLs say.
"""
_MASTER_ACLS, _AGENT_ACLS = (
    Path(__file__).with_name(name) for name in ("master-acls.json", "agent-acls.json")
)
_AT_MASTER, _AT_AGENTS = (OPERATOR, FRAMEWORK, AGENT), (OPERATOR, READER)
_ASKS = {"MESOS_AUTHENTICATE_HTTP_READONLY": "true", "MESOS_AUTHENTICATE_HTTP_READWRITE": "true"}


class Access(NamedTuple):
    """The files, in a folder of their own; `prepare` makes them."""

    folder: Path

    def secret_file(self, principal: str) -> Path:
        """Return the file with a principal's secret, and nothing else."""
        return self.folder / principal

    def credential(self) -> tuple[str, str]:
        """Return who asks here: the operator, and the secret."""
        return OPERATOR, self.secret_file(OPERATOR).read_text().strip()

    def prepare(self, new_secret: Callable[[], str], write: Callable[[Path, str], None]) -> None:
        """Write what is missing; `write` makes a file that only this user can read."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for path in (self._key, *map(self.secret_file, (OPERATOR, FRAMEWORK, READER, AGENT))):
            if not path.exists():
                write(path, f"{new_secret()}\n")
        write(self._at_master, self._list(_AT_MASTER))
        write(self._at_agents, self._list(_AT_AGENTS))
        write(self._of_agents, json.dumps(self._name(AGENT)))

    def master_flags(self) -> dict[str, str]:
        """Return the variables by which a master asks all who they are, agents too."""
        return {
            **_ASKS,
            "MESOS_CREDENTIALS": self._at_master.as_uri(),
            "MESOS_ACLS": _MASTER_ACLS.as_uri(),
            "MESOS_AUTHENTICATE_AGENTS": "true",
            "MESOS_AUTHENTICATE_FRAMEWORKS": "true",
            "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "true",
            "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS": "basic",
        }

    def agent_flags(self) -> dict[str, str]:
        """Return the variables by which an agent asks all who they are, and says who it is."""
        return {
            **_ASKS,
            "MESOS_HTTP_CREDENTIALS": self._at_agents.as_uri(),
            "MESOS_ACLS": _AGENT_ACLS.as_uri(),
            "MESOS_CREDENTIALS": self._at_agents.as_uri(),  # of the master that idles beside it
            "MESOS_CREDENTIAL": self._of_agents.as_uri(),
            "MESOS_AUTHENTICATE_HTTP_EXECUTORS": "true",
            "MESOS_JWT_SECRET_KEY": str(self._key),
        }

    @property
    def _key(self) -> Path:
        """Signs executors' tokens; it stays, as they outlive their agent."""
        return self.folder / "jwt-key"

    @property
    def _at_master(self) -> Path:
        return self.folder / "master.json"

    @property
    def _at_agents(self) -> Path:
        return self.folder / "agents.json"

    @property
    def _of_agents(self) -> Path:
        return self.folder / "agent.json"

    def _list(self, principals: tuple[str, ...]) -> str:
        return json.dumps({"credentials": [self._name(one) for one in principals]})

    def _name(self, principal: str) -> Mapping[str, str]:
        secret = self.secret_file(principal).read_text().strip()
        return {"principal": principal, "secret": secret}
