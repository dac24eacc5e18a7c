"""The names of gates in an order, which lead its containers to the proxy."""

from framework.attempts.tasks import give_addresses
from prevs.messages import BuildOrder

ORDER = BuildOrder("shop", "a" * 40, "main", "/shop", 8080, "10.0.0.1", 31000, 1.0, 64)


def test_an_order_names_each_gate_once_without_its_port() -> None:
    """Executors let these lead to the proxy."""
    found = {
        "WEB_URL": "http://x--shop.localhost:8080",
        "CART_URL": "https://x--cart-shop.prevs.example",
        "BASKET_URL": "https://x--cart-shop.prevs.example",
    }
    given = give_addresses(ORDER, found)
    assert given.gates == ("x--shop.localhost", "x--cart-shop.prevs.example")
    assert given.given_to_containers == found
    assert given.given_to_build == {}
    assert give_addresses(ORDER, {}) == ORDER
