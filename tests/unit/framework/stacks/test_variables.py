"""The addresses that previews of a stack's apps get."""

from framework.stacks.variables import find_variables, name_variable
from prevs import names
from prevs.stacks import Member, StackRecord

ADDRESSES = names.addresses("prevs.example", 80)
SHOP = StackRecord(
    "shop", "web", {"web": Member("front", "main"), "cart-api": Member("basket", "main")}
)
MALL = StackRecord("mall", "x", {"x": Member("basket", "main"), "web": Member("login", "main")})


def test_a_shared_preview_gets_the_stacks_own_addresses() -> None:
    assert find_variables([SHOP], "front", "", ADDRESSES) == {
        "WEB_URL": "http://shop.prevs.example",
        "CART_API_URL": "http://cart-api-shop.prevs.example",
    }


def test_an_instance_gets_those_of_its_variant() -> None:
    assert find_variables([SHOP], "basket", "x--y--cart-api-shop", ADDRESSES) == {
        "WEB_URL": "http://x--y--shop.prevs.example",
        "CART_API_URL": "http://x--y--cart-api-shop.prevs.example",
    }


def test_an_app_of_several_stacks_gets_those_of_all() -> None:
    both = [SHOP, MALL]
    assert find_variables(both, "basket", "", ADDRESSES) == {
        "X_URL": "http://mall.prevs.example",
        "WEB_URL": "http://web-mall.prevs.example",
        "CART_API_URL": "http://cart-api-shop.prevs.example",
    }
    # In a variant, that one's stack comes first, and the others are as for everybody.
    assert find_variables(both, "basket", "v--cart-api-shop", ADDRESSES) == {
        "WEB_URL": "http://v--shop.prevs.example",
        "CART_API_URL": "http://v--cart-api-shop.prevs.example",
        "X_URL": "http://mall.prevs.example",
    }


def test_an_app_of_no_stack_gets_none() -> None:
    assert find_variables([SHOP, MALL], "other", "", ADDRESSES) == {}
    assert find_variables([], "front", "", ADDRESSES) == {}


def test_a_member_has_a_variable_of_its_name() -> None:
    assert name_variable("cart-api") == "CART_API_URL"
