"""How a visitor of an app for a team proves who they are. The framework judges it."""

from typing import NamedTuple


class Claim(NamedTuple):
    """Who a visitor is: the session of somebody who has signed in, or what a proxy in front says.

    The framework believes `user` and `groups` only if it is set so (PREVS_SIGN_IN=proxy).
    """

    session: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()


class Begun(NamedTuple):
    """A sign-in that was begun at the provider's `address`.

    `state` comes back from there. `attempt` is signed, so that only the framework can have made it,
    and this browser alone may have it.
    """

    address: str
    state: str
    attempt: str
