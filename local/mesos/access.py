"""The principals of a local Mesos, and the files with their secrets."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

OPERATOR, FRAMEWORK, READER, AGENT = "operator", "prevs", "reader", "agent"
"""The principals: of people and `prevs local`; of the framework; of the framework at agents; of
agents at the master.

`operator` and the framework may do everything. Every agent has the secrets of the other two, so an
attacker on an agent has them too. They may do little: an agent registers, and the reader reads, by
the two files of ACLs.
"""
_MASTER_ACLS, _AGENT_ACLS = (
    Path(__file__).with_name(name) for name in ("master-acls.json", "agent-acls.json")
)
_AT_MASTER, _AT_AGENTS = (OPERATOR, FRAMEWORK, AGENT), (OPERATOR, READER)
_AUTHENTICATE = {
    "MESOS_AUTHENTICATE_HTTP_READONLY": "true",
    "MESOS_AUTHENTICATE_HTTP_READWRITE": "true",
}


class Access(NamedTuple):
    """The files, in a folder of their own; `prepare` makes them."""

    folder: Path

    def secret_file(self, principal: str) -> Path:
        """Return the file with a principal's secret, and nothing else."""
        return self.folder / principal

    def credential(self) -> tuple[str, str]:
        """Return the operator's principal and secret."""
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
        """Return the variables that make a master authenticate everybody, agents too."""
        return {
            **_AUTHENTICATE,
            "MESOS_CREDENTIALS": self._at_master.as_uri(),
            "MESOS_ACLS": _MASTER_ACLS.as_uri(),
            "MESOS_AUTHENTICATE_AGENTS": "true",
            "MESOS_AUTHENTICATE_FRAMEWORKS": "true",
            "MESOS_AUTHENTICATE_HTTP_FRAMEWORKS": "true",
            "MESOS_HTTP_FRAMEWORK_AUTHENTICATORS": "basic",
        }

    def agent_flags(self) -> dict[str, str]:
        """Return the variables for an agent that authenticates everybody, and itself."""
        return {
            **_AUTHENTICATE,
            "MESOS_HTTP_CREDENTIALS": self._at_agents.as_uri(),
            "MESOS_ACLS": _AGENT_ACLS.as_uri(),
            "MESOS_CREDENTIALS": self._at_agents.as_uri(),  # of the idle master beside it
            "MESOS_CREDENTIAL": self._of_agents.as_uri(),
            "MESOS_AUTHENTICATE_HTTP_EXECUTORS": "true",
            "MESOS_JWT_SECRET_KEY": str(self._key),
        }

    @property
    def _key(self) -> Path:
        """The key that signs executors' tokens; it is kept, as executors outlive their agent."""
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
