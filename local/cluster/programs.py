"""The programs of prevs as parts: the framework and the proxy."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from local.mesos.access import FRAMEWORK, READER
from local.parts.part import ProcessPart, answers_http, environment
from local.parts.processes import MARK
from local.settings import Settings

_PACKAGES = Path(__file__).parents[2]
_SYSTEM = "/usr/sbin:/sbin"  # where Debian has haproxy, which an ordinary user's PATH lacks
_NETWORK = frozenset(
    {
        *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK"),
    }
)
"""Variables by which git reaches repositories; executors need them like the framework."""

_SOURCE = "127.0.83.1"
"""The address from which the proxy connects to previews. A browser connects from 127.0.0.1, so no
web page reaches a preview past the proxy."""

_CHOSEN = frozenset({"PREVS_ISOLATION_BUILDS", "PREVS_DISK_HIGH", "PREVS_DISK_LOW"})
"""Variables that a person may set: isolating builds also affects the other containers of the
machine's Docker, and other files than ours may fill its disk."""


def executor_environ(
    settings: Settings, agent: Path, docker_host: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment of an agent's executors, except for Mesos's own variables."""
    return {
        **{key: value for key, value in environ.items() if key in _NETWORK | _CHOSEN},
        "PATH": f"{environ.get('PATH', '/usr/bin:/bin')}:{_SYSTEM}",
        "HOME": environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "DOCKER_HOST": docker_host,
        "PREVS_EXECUTOR_DIR": str(agent / "executor"),
        "PREVS_DISK_LIMIT": "1024",  # all agents of a cluster share the disk of one machine
        MARK: settings.cluster,
    }


def framework_part(settings: Settings, environ: Mapping[str, str], number: int = 1) -> ProcessPart:
    """Return a framework. It finds the master in ZooKeeper, as on a real cluster.

    It is ready when it answers, whether it leads or stands by.
    """
    name, api = settings.framework_name(number), settings.framework_api(number)
    agents = (f"agent-{n}" for n in settings.agent_numbers)
    return ProcessPart(
        name=name,
        command=(sys.executable, "-m", "framework"),
        environ=environment(_framework_environ(settings, environ, number), environ),
        log=settings.log(name),
        answers=lambda: answers_http(f"{api}/readyz"),
        needs=("zookeeper", "announcement", *agents),
        address=api,
        folder=_folder(settings, name),
        advice="If its port is taken, choose another with --api-port.",
    )


def _framework_environ(
    settings: Settings, environ: Mapping[str, str], number: int
) -> dict[str, str]:
    zookeeper, access = f"127.0.0.1:{settings.zookeeper_port}", settings.mesos_access
    return {
        **_python(environ),
        "PREVS_MASTER": f"zk://{zookeeper}/mesos",
        "PREVS_ZOOKEEPER": zookeeper,
        "PREVS_ZOOKEEPER_AUTH_FILE": str(settings.zookeeper_auth_file),
        "PREVS_PROXY_ZOOKEEPER_AUTH_FILE": str(settings.proxy_zookeeper_auth_file),
        "PREVS_PRINCIPAL": FRAMEWORK,
        "PREVS_SECRET_FILE": str(access.secret_file(FRAMEWORK)),
        "PREVS_AGENTS_PRINCIPAL": READER,
        "PREVS_AGENTS_SECRET_FILE": str(access.secret_file(READER)),
        "PREVS_LISTEN": settings.framework_api(number).removeprefix("http://"),
        "PREVS_TOKEN_FILE": str(settings.token_file),
        "PREVS_PROXY_TOKEN_FILE": str(settings.proxy_token_file),
        "PREVS_METRICS_TOKEN_FILE": str(settings.metrics_token_file),
        "PREVS_KEY_FILE": str(settings.key_file),
        "PREVS_DIR": str(settings.folder / settings.framework_name(number)),
        "PREVS_DOMAIN": settings.domain,
        "PREVS_PUBLIC_PORT": str(settings.port),
        # Only the person who started this cluster may register apps.
        "PREVS_LOCAL_REPOSITORIES": "yes",
        # To try notifications with a program of this machine.
        "PREVS_NOTIFY_HOSTS": "127.0.0.1",
        # To try clients of IronWorker; they need a token, as all do.
        "PREVS_IRONWORKER": "yes",
        "PREVS_EXECUTOR_PYTHON": sys.executable,  # python3 on PATH may be a slow wrapper script
    }


def allow_proxy(settings: Settings, gateway: str | None) -> dict[str, str]:
    """Return the variable by which executors let previews reach the proxy at Docker's bridge."""
    return {"PREVS_ALLOW_PROXY": f"{gateway}:{settings.port}"} if gateway else {}


def proxy_part(
    settings: Settings,
    environ: Mapping[str, str],
    gateway: Callable[[], str | None] = lambda: None,
) -> ProcessPart:
    """Return the proxy. Any answer means ready: a request without a host matches no preview.

    It listens on loopback, and where previews reach this machine: at the `gateway` of its start.
    """
    listen = f"127.0.0.1:{settings.port}"
    own = {
        **_python(environ),
        "PREVS_ZOOKEEPER": f"127.0.0.1:{settings.zookeeper_port}",
        "PREVS_ZOOKEEPER_AUTH_FILE": str(settings.proxy_zookeeper_auth_file),
        "PREVS_DOMAIN": settings.domain,
        "PREVS_PROXY_LISTEN": listen,
        "PREVS_PROXY_METRICS_LISTEN": f"127.0.0.2:{settings.port}",
        "PREVS_PROXY_DIR": str(settings.folder / "proxy"),
        "PREVS_PROXY_SOURCE": _SOURCE,
        "PREVS_API": settings.api,
        "PREVS_TOKEN_FILE": str(settings.proxy_token_file),
        "PREVS_METRICS_TOKEN_FILE": str(settings.metrics_token_file),
    }
    return ProcessPart(
        name="proxy",
        command=(sys.executable, "-m", "proxy"),
        environ=environment(own, environ),
        log=settings.log("proxy"),
        answers=lambda: answers_http(f"http://{listen}/", statuses=lambda _: True),
        needs=("zookeeper", *map(settings.framework_name, settings.framework_numbers)),
        address=f"http://{listen}",
        folder=_folder(settings, "proxy"),
        advice="Install HAProxy: run provision/debian.sh. If its port is taken, choose another "
        "with --port.",
        late=lambda: _listen_at(listen, gateway(), settings.port),
    )


def _listen_at(loopback: str, gateway: str | None, port: int) -> dict[str, str]:
    return {"PREVS_PROXY_LISTEN": f"{loopback},{gateway}:{port}"} if gateway else {}


def _python(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead programs to this Python and these packages."""
    path = environ.get("PATH", "/usr/bin:/bin")
    return {
        "PATH": f"{Path(sys.executable).parent}:{path}:{_SYSTEM}",
        "PYTHONPATH": str(_PACKAGES),
        "PYTHONUNBUFFERED": "1",
    }


def _folder(settings: Settings, name: str) -> Path:
    folder = settings.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
