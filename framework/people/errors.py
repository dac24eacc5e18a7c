"""What may be wrong with an order about roles."""

from framework.errors import NotFound, NotOfApp


class UnknownRole(NotFound):
    """There is no such role."""

    def __init__(self, role_id: str) -> None:
        super().__init__("There is no such role. `prevs role ls` lists the roles.")
        self.name = role_id


class NoRole(NotOfApp):
    """A person has no role for what they want; `theirs` is what they may do, in a few words."""

    def __init__(self, name: str, theirs: str) -> None:
        super().__init__(name, "")
        self.args = (
            f"{name} may not do this: they have {theirs}. Anybody with the scope admin can give "
            "roles: `prevs role add`.",
        )
