"""The proxy's settings: PREVS_* variables of its environment. All problems are reported at once."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from program.settings import environment
from program.settings.environment import (
    ROOT,
    Domain,
    EnvironmentSettings,
    MetricsTokenFile,
    Networks,
    TokensFile,
    ZookeeperAuthFile,
    ZookeeperServers,
)
from program.settings.proxy_tokens import read_tokens
from program.settings.zookeeper import read_identities
from proxy.haproxy.config import CONNECTIONS_EACH, Front
from proxy.held.start_limits import HELD_EACH, MOST

_ADDRESS = r"https?://[^\s/,]+/?"
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*[*]?", re.ASCII)
_LONGEST_FOLDER = 80
"""The path of a Unix socket has at most 107 bytes; HAProxy needs some for a temporary name."""


def _check_port(value: str) -> str:
    if not 1 <= int(value.rpartition(":")[2]) <= 65535:
        raise ValueError(f"{value} has no port from 1 to 65535")
    return value


def _check_ports(value: str) -> str:
    ports = {_check_port(one).rpartition(":")[2] for one in value.split(",")}
    if len(ports) > 1:
        raise ValueError(f"{value} must have one port for all addresses")
    return value


def _check_path(value: Path) -> Path:
    path = value.absolute()
    # It stands in HAProxy's configuration, where other characters have a meaning.
    if not re.fullmatch(r"[A-Za-z0-9/._+@-]+", str(path), re.ASCII):
        raise ValueError(f"{path} may have only letters, digits and / . _ + @ - in its path")
    return path


def _check_source(value: str) -> str:
    # It stands in HAProxy's configuration; ValueError if it is no address.
    return str(ipaddress.ip_address(value)) if value else ""


_PLACE = r"([A-Za-z0-9.*-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}"
Listen = Annotated[str, Field(pattern=f"^{_PLACE}$"), AfterValidator(_check_port)]
Listens = Annotated[str, Field(pattern=f"^{_PLACE}(,{_PLACE})*$"), AfterValidator(_check_ports)]
ConfiguredPath = Annotated[Path, AfterValidator(_check_path)]


class Settings(EnvironmentSettings):
    """The proxy's settings; `read` makes one."""

    zookeeper: ZookeeperServers
    zookeeper_auth_file: ZookeeperAuthFile = None
    root: str = Field(
        default="/prevs",
        pattern=ROOT,
        description="The znode above all records; the same as the frameworks'.",
    )
    domain: Domain = Field(
        default="localhost", description="The end of every address; the same as the frameworks'."
    )
    proxy_listen: Listens = Field(
        default="127.0.0.1:8080",
        description="Where the proxy listens for visitors; several addresses with one port are "
        "separated by commas.",
        examples=["*:80"],
    )
    proxy_tls_listen: Listen = Field(
        default="127.0.0.1:8443",
        description="Where it listens with TLS and HTTP/2, if there are certificates.",
        examples=["*:443"],
    )
    proxy_metrics_listen: Listen | None = Field(
        default=None,
        description="Where Prometheus reads: `/metrics` is the proxy's, `/metrics/haproxy` "
        "HAProxy's own; both need a token. `/healthz` and `/readyz` are there too, and need none.",
        examples=["10.0.0.7:9101"],
    )
    metrics_token_file: MetricsTokenFile = None
    certificates: ConfiguredPath | None = Field(
        default=None,
        description="A folder of PEM files, each a certificate with its chain and its key. The "
        "proxy reloads it within seconds of a change, and no connection is lost.",
    )
    redirect_to_tls: bool = Field(
        default=False, description="Whether the proxy redirects plain HTTP to TLS."
    )
    trusted_proxies: Networks = Field(
        default="",
        description="Addresses or networks of the proxies in front of this one. Only they may name "
        "the client of a request. No agent may be among them.",
        examples=["10.0.1.10,fd00:1::/64"],
    )
    starts_of_app: int = Field(
        default=MOST["app"],
        ge=1,
        description="How many different previews of one app visitors may start within a minute at "
        "this proxy. Further ones wait, and their pages say so.",
    )
    starts: int = Field(
        default=MOST["all"],
        ge=1,
        description="The same for all apps together. One address may start "
        f"{MOST['address']}, an IPv6 network (a /48) {MOST['network']}.",
    )
    held_of_client: int = Field(
        default=HELD_EACH,
        ge=1,
        description="How many requests of one client the proxy holds while their previews start. A "
        "client is an address, or with IPv6 a /48. Further requests get 429.",
    )
    connections_of_client: int = Field(
        default=CONNECTIONS_EACH,
        ge=1,
        description="How many connections one client may have to this proxy, and how many open "
        "requests with HTTP/2 in all of them. Behind `PREVS_TRUSTED_PROXIES`, the open requests of "
        "the client that they name are counted. What is above that gets 429; connections above "
        "twice the number get no answer.",
    )
    strip_headers: str = Field(
        default="",
        description="More headers that only proxies in front may send, separated by commas; "
        "a * stands for the rest of a name. The common ones are built in.",
        examples=["X-Our-User,X-Our-Sso-*"],
    )
    proxy_source: Annotated[str, AfterValidator(_check_source)] = Field(
        default="",
        description="The address from which HAProxy connects to previews, one of this machine's. "
        "By default the system chooses it for each agent. Agents let only proxies' addresses in.",
        examples=["10.0.0.7"],
    )
    proxy_dir: ConfiguredPath = Field(
        description="A folder of this proxy's own, for HAProxy's files and sockets. "
        f"{_LONGEST_FOLDER} characters at most.",
        examples=["/var/lib/prevs-proxy"],
    )
    api: str = Field(
        default="http://127.0.0.1:8090",
        pattern=rf"^{_ADDRESS}(,{_ADDRESS})*$",
        description="The API's address at every framework, separated by commas.",
        examples=["http://10.0.0.5:8090,http://10.0.0.6:8090"],
    )
    token_file: TokensFile = Field(
        description="A file with the proxies' token, the same as in the frameworks' "
        "`PREVS_PROXY_TOKEN_FILE`. Of several lines the proxy sends the first. If the "
        "frameworks have no such file, it is the operator's token."
    )

    @field_validator("api")
    @classmethod
    def _check_addresses(cls, value: str) -> str:
        for address in value.split(","):
            parts = urlsplit(address)
            # `port` raises ValueError if it is not a port.
            if not parts.hostname or parts.port == 0:
                raise ValueError(f"{address} is not an address")
        return value

    @field_validator("proxy_dir")
    @classmethod
    def _check_folder(cls, value: Path) -> Path:
        if len(str(value)) > _LONGEST_FOLDER:
            raise ValueError(f"{value} is longer than {_LONGEST_FOLDER} characters")
        return value

    @field_validator("certificates")
    @classmethod
    def _check_certificates(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_dir() and any(value.iterdir())):
            raise ValueError(
                f"{value} is not a folder with certificates; put PEM files there, each with its key"
            )
        return value

    @field_validator("strip_headers")
    @classmethod
    def _check_headers(cls, value: str) -> str:
        for name in filter(None, value.split(",")):
            if not _HEADER.fullmatch(name.strip()):
                raise ValueError(f"{name.strip()} is not the name of a header")
        return value.lower()

    @model_validator(mode="after")
    def _check_redirect(self) -> "Settings":
        if self.redirect_to_tls and self.certificates is None:
            raise ValueError("PREVS_REDIRECT_TO_TLS needs PREVS_CERTIFICATES")
        return self

    def front(self) -> Front:
        """Return where HAProxy listens, and whom it trusts."""
        return Front(
            listen=self.proxy_listen,
            domain=self.domain,
            tls_listen=self.proxy_tls_listen if self.certificates else "",
            certificates=self.certificates,
            redirects=self.redirect_to_tls,
            metrics=self.proxy_metrics_listen or "",
            readers=self.readers() if self.proxy_metrics_listen else (),
            trusted=tuple(self.trusted_proxies.split(",")) if self.trusted_proxies else (),
            connections_each=self.connections_of_client,
            stripped=tuple(one.strip() for one in self.strip_headers.split(",") if one.strip()),
            pass_keys=len(self.tokens()),
            source=self.proxy_source,
        )

    def budgets(self) -> dict[str, int]:
        """Return the limits for visitors that an operator may set."""
        return {"app": self.starts_of_app, "all": self.starts, "held": self.held_of_client}

    def addresses(self) -> list[str]:
        """Return the addresses of the API, one for each framework."""
        return self.api.split(",")

    def tokens(self) -> tuple[str, ...]:
        """Read the tokens of proxies. This proxy sends the first one."""
        return read_tokens(self.token_file)

    def readers(self) -> tuple[str, ...]:
        """Read the tokens that may read metrics: the proxies', and those for metrics alone."""
        file = self.metrics_token_file
        return (*self.tokens(), *(read_tokens(file) if file else ()))

    def identities(self) -> tuple[str, ...]:
        """Read this proxy's identities for ZooKeeper; none without a file."""
        return read_identities(self.zookeeper_auth_file) if self.zookeeper_auth_file else ()


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in `environ`. Raises SettingsError with every problem."""
    return environment.read(Settings, environ)
