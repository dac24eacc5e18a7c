"""TLS at a proxy of the tests: its certificates, and clients that trust them."""

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import trustme


class Door(NamedTuple):
    """TLS of a proxy: a port of 127.0.0.1, its certificates, and their authority."""

    port: int
    certificates: Path
    authority: trustme.CA

    def settings(self) -> Mapping[str, str]:
        """Return the settings of a proxy that has this door."""
        listen = f"127.0.0.1:{self.port}"
        return {"PREVS_PROXY_TLS_LISTEN": listen, "PREVS_CERTIFICATES": str(self.certificates)}

    def connect(self, host: str, protocol: str) -> ssl.SSLSocket:
        """Connect as a browser does, to a host, with a protocol by ALPN (`h2`, `http/1.1`)."""
        context = trusting(self.authority)
        context.set_alpn_protocols([protocol])
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        client = context.wrap_socket(plain, server_hostname=host)
        assert client.selected_alpn_protocol() == protocol
        return client


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Return a client's TLS context that trusts only this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the default one reads all of the system's
    authority.configure_trust(context)
    return context


def door(folder: Path, port: int, *hosts: str) -> Door:
    """Return a door for some hosts, with a certificate for each."""
    made = Door(port, folder / "certificates", trustme.CA())
    made.certificates.mkdir()
    for number, host in enumerate(hosts):
        pem = made.authority.issue_cert(host).private_key_and_cert_chain_pem
        pem.write_to_path(made.certificates / f"{number}.pem")
    return made
