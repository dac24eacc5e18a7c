"""The ids of the last deliveries, to count those that a forge has sent again. Pure."""

from collections import OrderedDict

MOST = 1000


class Deliveries:
    """Belongs to one thread. A delivery that it has forgotten counts as new, and does no harm."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def is_repeated(self, app: str, delivery: str) -> bool:
        """Note a delivery, and return whether it came before; one without an id never did."""
        if not delivery:
            return False
        key = (app, delivery)
        before = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return before
