"""Why a visitor who signs in does not get on. The visitor reads the message."""

from framework.errors import Conflict, FrameworkError


class SignInNeeded(FrameworkError):
    """Nobody knows who a visitor is: there is no session, or it has ended."""

    def __init__(self) -> None:
        super().__init__("You have not signed in, or that has ended. Sign in.")


class SignInEnded(FrameworkError):
    """A sign-in is not the one that this browser has begun, or it took too long."""

    def __init__(self) -> None:
        super().__init__(
            "Signing in took too long, or it was begun in another browser. Open the address of the "
            "preview again."
        )


class NotInTeam(FrameworkError):
    """Somebody has no role for an app, or there is no such app: nobody learns which."""

    def __init__(self, login: str) -> None:
        super().__init__(
            f"Your account, {login}, is not in the team of this app. Ask somebody who runs it for "
            "a role; an admin gives it with `prevs role add`."
        )
        self.name = login


class NobodyNamed(Conflict):
    """People sign in at a proxy in front of prevs, and it did not say who this one is."""

    def __init__(self) -> None:
        super().__init__(
            "The proxy in front of prevs, where you sign in, did not say who you are. The operator "
            "finds the cause in docs/operating/access.md: it has to send X-Auth-Request-User, and "
            "PREVS_TRUSTED_PROXIES has to name it."
        )


class NoProvider(Conflict):
    """An app is for its team, and nobody can sign in any more."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody can sign in: prevs has no identity provider. The operator sets it by "
            "PREVS_SIGN_IN. A link to share opens a preview meanwhile."
        )
