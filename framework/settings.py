"""The framework's settings: PREVS_* environment variables, with all problems reported at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from framework.apps import receiver_address
from framework.apps.recipes.image_settings import ImageSettings
from framework.identity.settings import SignInSettings
from framework.matching.limit_settings import LimitSettings
from framework.matching.roles import Roles
from prevs import names
from prevs.names import Addresses
from program.settings import environment
from program.settings.environment import (
    HOST_PORT,
    PREFIX,
    ROOT,
    CertificateFile,
    Domain,
    IdentitiesFile,
    KeyFile,
    MetricsTokenFile,
    SecretFile,
    TokensFile,
    ZookeeperAuthFile,
    ZookeeperServers,
    read_secret,
)
from program.settings.keys import read_keys
from program.settings.proxy_tokens import read_tokens
from program.settings.zookeeper import read_identities

_NOTIFY_HOST = re.compile(receiver_address.PATTERN, re.ASCII)
_MASTER = re.compile(r"zk://\S+/\S+|[^\s,/@:\[\]]+:\d{1,5}")
_ROLE = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
_EVERYWHERE = frozenset({"0.0.0.0", "[::]", "::", "*"})  # noqa: S104 - nothing listens by this


# The texts that Docker reads as a registry, and not as the first part of a repository's name.
REGISTRY = (
    r"^((localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|[A-Za-z0-9.-]+:\d{1,5})(:\d{1,5})?"
    r"(/[a-z0-9]+([._-][a-z0-9]+)*)*)?$"
)


class Settings(LimitSettings, SignInSettings, ImageSettings):
    """The framework's settings; `read` makes one."""

    master: str = Field(
        description="The Mesos master: `HOST:PORT`, or the ZooKeeper address that names the "
        "leading one. IPv4; over TLS with `PREVS_MASTER_CA_FILE`.",
        examples=["zk://10.0.0.1:2181,10.0.0.2:2181/mesos"],
    )
    master_ca_file: CertificateFile | None = Field(
        default=None,
        description="Holds the authority of the master's certificate (PEM). The framework then "
        "reaches the master only over TLS.",
    )
    zookeeper: ZookeeperServers
    zookeeper_auth_file: ZookeeperAuthFile = None
    proxy_zookeeper_auth_file: IdentitiesFile | None = Field(
        default=None,
        description="Holds the proxies' identity in ZooKeeper, the same as their "
        "`PREVS_ZOOKEEPER_AUTH_FILE`. With it, they read placements and write their own "
        "records, and nothing else. Every framework needs the same. Without it, proxies need "
        "the frameworks' identity.",
    )
    root: str = Field(
        default="/prevs",
        pattern=ROOT,
        description="The znode above all records. The proxies need the same.",
    )
    listen: str = Field(
        default="127.0.0.1:8090",
        pattern=rf"^{HOST_PORT}$",
        description="The address of the API and the dashboard.",
    )
    advertise: str = Field(
        default="",
        pattern=rf"^(https?://{HOST_PORT})?$",
        description="The URL at which agents, other frameworks and the Mesos UI reach this "
        "framework's API. Empty: `PREVS_LISTEN`. Required if that is every address of the "
        "machine.",
        examples=["http://10.0.0.5:8090"],
    )
    token_file: SecretFile = Field(description="Holds the operator's token.")
    proxy_token_file: TokensFile | None = Field(
        default=None,
        description="Holds the proxies' own tokens, one a line: proxies send the first, and the "
        "framework accepts every one. The proxies' `PREVS_TOKEN_FILE` names a copy. Every "
        "framework needs the same. Without it, proxies need the operator's token.",
    )
    metrics_token_file: MetricsTokenFile = None
    dir: Path = Field(
        description="This framework's own folder: mirrors of the repositories, the ends of "
        "failed attempts' logs (64 MB at most), the audit log (100 MB at most).",
        examples=["/var/lib/prevs"],
    )
    domain: Domain = Field(
        default="localhost", description="The domain that every address ends in."
    )
    public_port: int = Field(
        default=8080,
        ge=1,
        le=65535,
        description="The port in the addresses that prevs shows: where visitors reach the proxies.",
    )
    public_url: str = Field(
        default="",
        description="The whole form of the addresses that prevs shows, instead of domain and port.",
        examples=["https://{label}--{app}.prevs.example/"],
    )
    executor_python: str = Field(
        default="python3",
        min_length=1,
        description="The Python, 3.9 or later, that runs the executor on the agents: a name that "
        "is on the `PATH` of executors, or an absolute path.",
        examples=["/usr/bin/python3.11"],
    )
    executor_bundle: Path | None = Field(
        default=None,
        description="The file that agents fetch and run. Without it, the framework makes one "
        "from what is installed here.",
        examples=["/etc/prevs/executor.pyz"],
    )
    role: str = Field(
        default="prevs", pattern=_ROLE, description="The role whose resources Mesos offers."
    )
    jobs_role: str = Field(
        default="",
        pattern=rf"^$|{_ROLE}",
        description="Another role, for jobs alone: a quota and a weight of it in Mesos then say "
        "what jobs may take, instead of `PREVS_JOBS_SHARE`. Empty: jobs have what previews leave.",
        examples=["prevs-jobs"],
    )
    name: str = Field(
        default="prevs", min_length=1, description="The framework's name in the Mesos UI."
    )
    principal: str | None = Field(
        default=None, description="The framework's principal in Mesos, if Mesos authenticates."
    )
    secret_file: SecretFile | None = Field(
        default=None, description="Holds the principal's secret. Set both, or neither."
    )
    agents_principal: str | None = Field(
        default=None,
        description="The framework's principal for agents that authenticate readers of their "
        "files (`--authenticate_http_readonly`), as logs are read there. Use a separate one "
        "with no other right: every agent sees its secret.",
    )
    agents_secret_file: SecretFile | None = Field(
        default=None, description="Holds that principal's secret. Set both, or neither."
    )
    key_file: KeyFile | None = Field(
        default=None,
        description="Holds the keys that seal the apps' variables, secrets, credentials and "
        "passwords of visitors, one a line: the first seals, every one opens. Without it, apps can "
        "have none. Every framework needs the same.",
    )
    local_repositories: bool = Field(
        default=False,
        description="Whether an app may have a repository on this machine: a path, `file://`, "
        "or a loopback address. Anybody who may register apps can then read what the framework "
        "and the executors may read. No app may have one in prevs's own folders.",
    )
    notify_hosts: str = Field(
        default="",
        description="The hosts to which apps may send notifications, separated by commas: a name, "
        "`*.example.org` for all names below one, `*` for all. A pattern opens addresses of the "
        "internet; a name without one opens private networks too; an address opens itself, also "
        "`127.0.0.1`. Empty: none. Every framework needs the same.",
        examples=["hooks.slack.com,*.example.org"],
    )
    ironworker: bool = Field(
        default=False,
        description="Whether the API also answers published clients of IronWorker, below "
        "`/2/projects/APP`: their tasks are an app's jobs. Every framework needs the same.",
    )
    refs_interval: float = Field(
        default=10.0,
        ge=1.0,
        description="Seconds between two fetches of a repository's branches, and the age after "
        "which a request for their list fetches them again.",
    )
    access: Literal["public", "team"] = Field(
        default="public",
        description="Who may look at the previews of a new app: everybody, or its team, who sign "
        "in. With `PREVS_SIGN_IN`, choose `team`.",
    )
    registry: str = Field(
        default="",
        pattern=REGISTRY,
        description="Where agents share the images that they build: `HOST:PORT/PREFIX` of a "
        "registry that the agents' Docker may push to. Empty: every agent builds for itself.",
        examples=["registry.example.org:5000/previews"],
    )
    fetch_limit: float = Field(
        default=300.0,
        ge=1,
        description="Seconds that an agent may take to fetch a commit, or its image.",
    )
    build_limit: float = Field(
        default=1800.0, ge=1, description="Seconds that the build of an image may take."
    )

    @field_validator("master")
    @classmethod
    def _check_master(cls, value: str) -> str:
        if not _MASTER.fullmatch(value):
            raise ValueError(
                "is neither host:port nor zk://host:port,.../path (IPv4 only; for TLS, set "
                "PREVS_MASTER_CA_FILE)"
            )
        return value

    @field_validator("notify_hosts")
    @classmethod
    def _check_notify_hosts(cls, value: str) -> str:
        wrong = [one for one in _split_hosts(value) if not _NOTIFY_HOST.fullmatch(one)]
        if wrong:
            raise ValueError(
                f"{wrong[0]!r} is no host: write a name, *.NAME, * or an address, without a scheme "
                "or a port"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        domain = info.data.get("domain")
        parts = urlsplit(Addresses(value).url("label", "app"))
        if domain is None or not value:
            return value
        read = names.split_host(parts.hostname or "", domain)
        if parts.scheme not in {"http", "https"} or read != ("label", "app"):
            raise ValueError(
                f"{value} is not an address under {domain}; write for example "
                f"https://{{label}}--{{app}}.{domain}/"
            )
        return value

    @model_validator(mode="after")
    def _check_pair(self) -> "Settings":
        for name, principal, file in (
            ("", self.principal, self.secret_file),
            ("AGENTS_", self.agents_principal, self.agents_secret_file),
        ):
            if (principal is None) != (file is None):
                both = f"{PREFIX}{name}PRINCIPAL and {PREFIX}{name}SECRET_FILE"
                raise ValueError(f"{both} go together: set both")
        return self

    @model_validator(mode="after")
    def _check_roles(self) -> "Settings":
        if self.jobs_role == self.role:
            raise ValueError(
                f"{PREFIX}JOBS_ROLE is {PREFIX}ROLE: name another role, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _check_advertise(self) -> "Settings":
        if not self.advertise and self.host in _EVERYWHERE:
            raise ValueError(
                f"{PREFIX}LISTEN is every address of this machine: set {PREFIX}ADVERTISE to the "
                "one at which agents and other frameworks reach this framework's API "
                "(http://HOST:PORT)"
            )
        return self

    @model_validator(mode="after")
    def _check_access(self) -> "Settings":
        if self.access == "team" and not self.has_sign_in:
            raise ValueError(
                f"{PREFIX}ACCESS=team needs {PREFIX}SIGN_IN, or nobody could look at a new app"
            )
        return self

    @model_validator(mode="after")
    def _check_tokens(self) -> "Settings":
        if self.token() in self.proxy_tokens():
            raise ValueError(
                f"{PREFIX}PROXY_TOKEN_FILE holds the operator's token: give proxies a token of "
                "their own, which may do less"
            )
        return self

    @model_validator(mode="after")
    def _check_identities(self) -> "Settings":
        name = f"{PREFIX}PROXY_ZOOKEEPER_AUTH_FILE"
        if self.proxy_identities() and not self.identities():
            raise ValueError(f"{name} needs {PREFIX}ZOOKEEPER_AUTH_FILE: set both")
        if set(self.proxy_identities()) & set(self.identities()):
            raise ValueError(
                f"{name} holds an identity of {PREFIX}ZOOKEEPER_AUTH_FILE: give proxies an "
                "identity of their own, which may do less"
            )
        return self

    @property
    def roles(self) -> Roles:
        """The roles for which Mesos makes offers."""
        return Roles(self.role, self.jobs_role)

    @property
    def api(self) -> str:
        """The URL at which other frameworks reach this one's API."""
        return self.advertise or f"http://{self.listen}"

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.listen.rpartition(":")[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.listen.rpartition(":")[2])

    def addresses(self) -> Addresses:
        """Return the form of the addresses at which people reach previews."""
        if self.public_url:
            return Addresses(self.public_url)
        return names.addresses(self.domain, self.public_port)

    def allowed_receivers(self) -> tuple[str, ...]:
        """Return the hosts to which notifications may go, as framework.apps.receiver_address."""
        return _split_hosts(self.notify_hosts)

    def token(self) -> str:
        """Read the API's bearer token."""
        return read_secret(self.token_file)

    def proxy_tokens(self) -> tuple[str, ...]:
        """Read the tokens of proxies; none if there is no file."""
        return read_tokens(self.proxy_token_file) if self.proxy_token_file else ()

    def signing(self) -> tuple[str, ...]:
        """Read the tokens for signatures of records: the first signs, every one is accepted.

        The first is the token that proxies send: their own, or else the operator's.
        """
        return (*self.proxy_tokens(), self.token())

    def readers(self) -> tuple[str, ...]:
        """Read the tokens that may read metrics: the operator's, and those for metrics."""
        file = self.metrics_token_file
        return (self.token(), *(read_tokens(file) if file else ()))

    def identities(self) -> tuple[str, ...]:
        """Read the framework's identities in ZooKeeper; none if there is no file."""
        return read_identities(self.zookeeper_auth_file) if self.zookeeper_auth_file else ()

    def proxy_identities(self) -> tuple[str, ...]:
        """Read the proxies' identities in ZooKeeper; none if they use the frameworks'."""
        file = self.proxy_zookeeper_auth_file
        return read_identities(file) if file else ()

    def keys(self) -> tuple[str, ...]:
        """Read the keys that seal what apps are given; none if there is no file."""
        return read_keys(self.key_file) if self.key_file else ()

    def credential(self) -> tuple[str, str] | None:
        """Read the principal for the Mesos master, and its secret; None if there is none."""
        return _credential(self.principal, self.secret_file)

    def agents_credential(self) -> tuple[str, str] | None:
        """Read the principal for the logs of agents, and its secret; None if there is none."""
        return _credential(self.agents_principal, self.agents_secret_file)


def _split_hosts(text: str) -> tuple[str, ...]:
    return tuple(one.strip().lower() for one in text.split(",") if one.strip())


def _credential(principal: str | None, file: Path | None) -> tuple[str, str] | None:
    return (principal, read_secret(file)) if principal and file else None


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`. Raises SettingsError with every problem."""
    return environment.read(Settings, environ)
