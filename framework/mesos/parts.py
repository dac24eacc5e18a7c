"""Makes the connection to Mesos, for a framework that leads."""

import getpass
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from driver import tls
from driver.scheduler import Credential
from framework import events
from framework.matching.roles import Roles
from framework.mesos.scheduler import Inbox, MesosCluster, framework_info


class Registration(NamedTuple):
    """As what a framework subscribes; without a stored id it is a new one.

    `webui_url` is where Mesos's own pages lead to. Offers may have `revocable` resources.
    """

    name: str
    roles: Roles
    webui_url: str
    principal: str | None
    framework_id: str | None
    revocable: bool = False


def make_cluster(
    submit: Callable[[events.Event], None],
    registration: Registration,
    master: str,
    *,
    credential: tuple[str, str] | None,
    authority: Path | None,
) -> MesosCluster:
    """Return the connection; with an `authority` for certificates, it uses TLS."""
    info = framework_info(
        name=registration.name,
        roles=registration.roles.names,
        user=getpass.getuser(),
        hostname=socket.gethostname(),
        webui_url=registration.webui_url,
        principal=registration.principal,
        revocable=registration.revocable,
    )
    return MesosCluster(
        Inbox(submit),
        info,
        master,
        framework_id=registration.framework_id,
        credential=Credential(*credential) if credential else None,
        tls=tls.make_context(authority) if authority else None,
    )
