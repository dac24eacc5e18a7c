"""What may be wrong with an order about roles."""

from framework.errors import NotFound


class UnknownRole(NotFound):
    """There is no such role."""

    def __init__(self, role_id: str) -> None:
        super().__init__("There is no such role. `prevs role ls` lists the roles.")
        self.name = role_id
