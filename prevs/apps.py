"""An app: a git repository, and the settings of what runs of it. Each is declared here alone."""

import dataclasses
from typing import Literal, get_args

from prevs import codec
from prevs.declarations import MEMORY, SHARE, setting

Shown = Literal["full", "status"]
"""How much a waiting room shows."""

Room = Literal["auto", Shown]
Followed = Literal["off", "branches", "all"]
"""Which pull requests are followed."""

PullsSetting = Literal["auto", Followed]
Forks = Literal["never", "approve", "members"]
Warm = Literal["off", "pulls", "branches"]
Tell = Literal["comment", "status", "deployment"]
"""How something is said at the forge: by a comment, a commit status, or GitHub's deployments."""


@dataclasses.dataclass(frozen=True)
class AppRecord:
    """An app in ZooKeeper."""

    name: str

    repository: str = setting(
        dataclasses.MISSING,
        "Repository",
        "A git URL without credentials, user@host:path, or an absolute path on the framework's "
        "host.",
        form="git-repository",
        longest=2000,
        example="https://git.example.org/hello.git",
    )
    port: int = setting(
        8080,
        "Port",
        "The port where the application listens, which `$PORT` contains. If it is 8080, a commit "
        "that exposes another one has that.",
        least=1,
        most=65535,
    )
    cpus: float = setting(0.1, "CPUs", "Its share of CPUs: with 0.1, a tenth of one.", **SHARE)
    mem: int = setting(
        128,
        "Memory",
        "Its memory limit in MB: an application that uses more ends.",
        unit="MB",
        **MEMORY,
    )
    max_previews: int = setting(
        10, "Max previews", "How many previews may run at a time.", least=1, most=1000
    )
    max_jobs: int = setting(
        10, "Max jobs", "How many jobs may run at a time; more wait.", least=1, most=1000
    )
    health: str = setting(
        "/",
        "Health",
        "The path that answers with 2xx or 3xx when the application is ready.",
        longest=200,
        pattern="^/[!-~]*$",
        metavar="PATH",
    )
    idle_after: int = setting(
        3600,
        "Idle after",
        "A preview stops after so many seconds without use; 0: never.",
        unit="seconds",
        zero="never",
        least=0,
        most=31_536_000,
    )
    keep_warm: tuple[str, ...] = setting(
        (),
        "Keep warm",
        "Hours (UTC) in which no preview stops because it is idle.",
        unit="UTC",
        form="utc-hours",
        longest=100,
        most_items=20,
        example=("mon-fri 08:00-18:00",),
        metavar="HOURS",
    )
    constraints: tuple[str, ...] = setting(
        (),
        "Constraints",
        "The agents that it may run on, by their attributes: an attribute has one of some values, "
        "does not have a value, or exists.",
        form="agent-constraint",
        longest=200,
        most_items=20,
        example=("zone=a|b", "disk!=slow", "gpu"),
        option="--constraint",
    )
    folder: str = setting(
        "",
        "Folder",
        "The folder of its Dockerfile and its .prevs.toml in the repository. Empty: the root.",
        form="repository-folder",
        longest=200,
        example="services/web",
        metavar="PATH",
    )
    service: str = setting(
        "",
        "Service",
        "The service of its compose file that visitors reach, if a commit's .prevs.toml names "
        "none. Empty: the one that looks like it.",
        longest=100,
        example="web",
    )
    max_cpus: float = setting(
        1.0,
        "Max CPUs",
        "The largest CPU share that a commit may ask for, with its companions; 0: no more than "
        "`cpus`.",
        least=0,
        most=64,
        zero="same as CPUs",
        example=1.0,
    )
    max_mem: int = setting(
        2048,
        "Max memory",
        "The most memory in MB that a commit may ask for, with its companions; 0: no more than "
        "`mem`.",
        unit="MB",
        least=0,
        most=MEMORY["most"],
        zero="same as memory",
        example=512,
    )
    room: str = setting(
        "auto",
        "Waiting room",
        "What the waiting room shows to visitors: with `full` the commit, its build log and more; "
        "with `status` the steps and a sentence. `auto` is `status` if the repository is read with "
        "a credential or over ssh, else `full`.",
        choices=get_args(Room),
    )
    forge: str = setting(
        "auto",
        "Forge",
        "The kind of host that the repository is on. `auto` goes by the host's name, and is `none` "
        "for an unknown one.",
        page="forge",
        # The framework alone knows the kinds.
        metavar="KIND",
    )
    pulls: str = setting(
        "auto",
        "Pull requests",
        "Which pull requests are followed: `branches` are those whose head is in the repository "
        "itself, `all` also those of forks. `auto` is `branches` with a token for the forge, else "
        "`off`.",
        page="forge",
        choices=get_args(PullsSetting),
    )
    forks: str = setting(
        "approve",
        "Forks",
        "Whether commits of forks may be built: `never`, once somebody has approved the commit, or "
        "also without that if its people may write to the repository (`members`).",
        page="forge",
        choices=get_args(Forks),
    )
    warm: str = setting(
        "off",
        "Built ahead",
        "Whose new heads are built before anybody visits them: those of open pull requests that "
        "are followed (`pulls`), or also those of branches (`branches`).",
        choices=get_args(Warm),
        example="pulls",
    )
    tell: tuple[str, ...] = setting(
        ("comment", "status"),
        "Reports",
        "How pull requests are told about their previews, once there is a token for the forge: by "
        "a comment, by a commit status, by deployments (at GitHub). Empty: not at all.",
        page="forge",
        choices=get_args(Tell),
        most_items=3,
    )

    created: float = 0.0
    """In seconds since the epoch."""

    removed: bool = False
    """It is being removed: its previews no longer start."""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "AppRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(AppRecord, 1, data)
