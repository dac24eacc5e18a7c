"""All kinds of forges: one for each class in framework/forges/kinds, which this module imports."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from framework.forges import kinds
from framework.forges.forge_kind import ForgeKind, HookSender
from framework.hooks.signatures import Scheme
from framework.ports.telling import Abilities
from prevs.records import AppRecord
from program.git.addresses import read_address


def _find_classes() -> Iterator[type[HookSender]]:
    for found in pkgutil.iter_modules(kinds.__path__):
        module = importlib.import_module(f"{kinds.__name__}.{found.name}")
        for one in vars(module).values():
            is_own = inspect.isclass(one) and one.__module__ == module.__name__
            if is_own and issubclass(one, HookSender):
                yield one


_SENDERS: Sequence[type[HookSender]] = sorted(_find_classes(), key=lambda one: one.rank)
FORGES: Mapping[str, type[ForgeKind]] = {
    one.kind: one for one in _SENDERS if issubclass(one, ForgeKind)
}
"""The kinds of forges by their names, the most used first."""
SCHEMES: Sequence[Scheme] = [
    *(scheme for one in reversed([*FORGES.values()]) for scheme in one.schemes),
    *(scheme for one in _SENDERS if not issubclass(one, ForgeKind) for scheme in one.schemes),
]
"""What proves a webhook. Forges also send the headers of one that is used more than they."""
_HOSTS = {host: one.kind for one in FORGES.values() for host in one.hosts}
_ELSEWHERE = " ".join(one.by_hand for one in _SENDERS if not issubclass(one, ForgeKind))

if TYPE_CHECKING:
    Kind = str
    ForgeSetting = str
else:
    Kind = Literal[(*FORGES, "none")]
    ForgeSetting = Literal[("auto", *FORGES, "none")]


def find_kind(app: AppRecord) -> Kind:
    """Return the kind of an app's forge, by its setting or by the host of its repository.

    A value of a later version of prevs counts as "none".
    """
    if app.forge == "auto":
        address = read_address(app.repository)
        return _HOSTS.get(address.origin.host, "none") if address else "none"
    return app.forge if app.forge in FORGES else "none"


def find_forge(app: AppRecord) -> type[ForgeKind] | None:
    """Return the class of an app's forge; None if the app has none."""
    return FORGES.get(find_kind(app))


def find_abilities(app: AppRecord) -> Abilities:
    """Return what can be said at an app's forge."""
    forge = find_forge(app)
    return forge.abilities if forge else Abilities()


def takes_secret(app: AppRecord) -> bool:
    """Return whether an app's forge takes a webhook's secret from us, and makes none itself."""
    forge = find_forge(app)
    return forge is None or forge.takes_secret


def show_forge(app: AppRecord) -> ForgeSetting:
    """Return the setting as the API shows it."""
    return "auto" if app.forge == "auto" else find_kind(app)


def explain_hook(app: AppRecord) -> str:
    """Return where the address and the secret of an app's webhook are entered, in sentences."""
    forge = find_forge(app)
    return (forge.by_hand if forge else _ELSEWHERE).replace("APP", app.name)
