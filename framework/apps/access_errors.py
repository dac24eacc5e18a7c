"""What may be wrong with an order about who may look at an app's previews."""

from framework.errors import Conflict, FrameworkError, NotFound


class UnknownPass(NotFound):
    """The app has no such pass: it has ended, was revoked, or never existed."""

    def __init__(self, app: str, pass_id: str) -> None:
        super().__init__(
            f"{app!r} has no pass {pass_id!r}: it has ended, or was revoked. "
            f"`prevs pass ls {app}` lists the passes."
        )
        self.app, self.name = app, pass_id


class PassExists(Conflict):
    """Another pass of the app has that name."""

    def __init__(self, app: str, name: str) -> None:
        super().__init__(
            f"{app!r} has a pass {name!r} already. Choose another name, or revoke that one "
            f"(`prevs pass rm {app} {name}`)."
        )
        self.app, self.name = app, name


class IsPublic(Conflict):
    """A public app was given a pass, or its passes were to end."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"Anybody may look at the previews of {app!r}, so there is nothing to let in or out. "
            f"`prevs access {app} password` closes them, or `prevs access {app} team`."
        )
        self.app = app


class NoPassword(Conflict):
    """An app was to be closed by its password, and has none."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app!r} has no password yet: send one. `prevs access {app} password` prompts for it."
        )
        self.app = app


class NoSignIn(Conflict):
    """An app was to be for its team, and nobody can sign in: no identity provider is set."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"Nobody could enter {app!r}: prevs does not know where people sign in. Have the "
            "operator set PREVS_SIGN_IN at every framework (docs/operating/access.md), or choose "
            f"`prevs access {app} password`."
        )
        self.app = app


class WrongPassword(FrameworkError):
    """A text that is not the password of an app's visitors. Shows not whether there is one."""

    def __init__(self) -> None:
        super().__init__("That is not the password. Whoever runs the app knows it.")
