"""The addresses of a preview's services: the companions that visitors reach at ports of their own.

A service of the preview at `main` is at `result--main`, below the app or in the flat form. As in
names.py, makers accept any text, and a reader returns None for other text.
"""

import hashlib
import re
from typing import Optional

from prevs.names import Addresses, flat_label, is_label

_LONGEST = 20
"""How many characters of a label may stand for the service."""
_DIGITS = 8
_LEAST = 10
"""How many characters `flat_label` needs at least to cut any label."""
_LABEL = 63


def service_part(service: str) -> str:
    """Return what stands for a service in an address, before `--`; it has no `--` itself.

    A short DNS label is that itself. Any other name gets a readable part and a hash of it all.
    """
    if is_label(service) and "--" not in service and len(service) <= _LONGEST:
        return service
    readable = re.sub(r"[^a-z0-9]+", "-", service.lower(), flags=re.ASCII)
    kept = readable.strip("-")[: _LONGEST - _DIGITS - 1].strip("-")
    digest = hashlib.sha256(service.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kept or 'service'}-{digest[:_DIGITS]}"


def service_labels(service: str, label: str, app: str) -> tuple[str, ...]:
    """Return the labels at which a service of the preview at `label` is reached: `result--main`.

    There are two if the flat form needs a shorter one, which is the last.
    """
    part = service_part(service)
    whole = f"{part}--{flat_label(label, part)}"
    beside = f"{part}--{app}"
    if len(beside) + len("--") + _LEAST > _LABEL:
        return tuple(dict.fromkeys((whole, flat_label(whole, app))))
    return tuple(dict.fromkeys((whole, f"{part}--{flat_label(label, beside)}")))


def split_service(label: str) -> Optional[tuple[str, str]]:
    """Return (service_part, label) of what may be the label of a service; None if it is not.

    A branch may have such a name, and so has the instance of a variant: they come first.
    """
    service, _, rest = label.partition("--")
    return (service, rest) if is_label(service) and is_label(rest) else None


def service_url(addresses: Addresses, service: str, label: str, app: str) -> str:
    """Return the URL of a service of the preview at a label, also of an instance's."""
    labels = service_labels(service, label, app)
    return addresses.url(labels[-1 if "{label}--{app}" in addresses.form else 0], app)


def url_variable(service: str) -> str:
    """Return the variable that has the URL of a service: `PREVS_URL_RESULT`."""
    return f"PREVS_URL_{re.sub(r'[^A-Z0-9]', '_', service.upper(), flags=re.ASCII)}"
