"""Makes the texts of an app's passes, and the links that carry them. Pure."""

from urllib.parse import urlsplit

from prevs import names
from prevs.access import AccessRecord, IssuedPass
from prevs.names import Addresses
from program.passes.passes import ANY_HOST, Pass, write_pass

ENTER = "_prevs/enter?pass="
"""Where a link leads below a preview's address; the proxy answers there."""


class PassWriter:
    """Writes passes for the addresses below a domain, signed with `key` (derive_pass_key)."""

    def __init__(self, key: str, domain: str, addresses: Addresses) -> None:
        self._key = key
        self._domain = domain
        self._addresses = addresses

    def write(self, record: AccessRecord, pass_id: str) -> str:
        """Return the text of an app's issued pass. Whoever has it may look."""
        issued = record.passes[pass_id]
        host = self._find_host(record.app, issued.label) if issued.label else ANY_HOST
        return write_pass(self._key, Pass(record.app, host, record.era, issued.until, pass_id))

    def link(self, app: str, issued: IssuedPass, text: str) -> str:
        """Return the link that opens the label of a pass with its text."""
        return f"{self._addresses.url(issued.label, app)}{ENTER}{text}"

    @property
    def is_safe(self) -> bool:
        """Whether visitors reach previews over TLS: without TLS, others can read their requests."""
        return self._addresses.form.startswith("https:")

    def _find_host(self, app: str, label: str) -> str:
        """Return the host of a label's address as HAProxy compares it: <label>.<app>.<domain>."""
        shown = urlsplit(self._addresses.url(label, app)).hostname or ""
        label, app = names.split_host(shown, self._domain) or (label, app)
        return names.host(label, app, self._domain).lower()
