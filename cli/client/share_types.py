"""The containers of a preview, as the API shows them."""

from typing import TypedDict


class Share(TypedDict):
    """A container of a preview, and what it takes; `image` is "" for the commit's own."""

    name: str
    image: str
    cpus: float
    mem: int
