"""What a task gets of its app's stacks, beside the app's own variables."""

import dataclasses
from typing import Any

from framework.attempts.tasks import give_addresses
from framework.stacks.written_stack import WrittenStack
from prevs.messages import BuildOrder
from prevs.stacks import Member
from tests.fakes.driven import A, Driven
from tests.fakes.driven_jobs import Jobs

FOUND = {"WEB_URL": "http://shop.x", "CART_URL": "http://cart-shop.x"}


def order(**fields: Any) -> BuildOrder:
    where = {"repository": "/srv/basket", "host": "127.0.0.1", "host_port": 31000}
    own = BuildOrder("basket", A, "main", container_port=80, cpus=0.1, mem=128, **where)  # type: ignore[arg-type] # fields of BuildOrder
    return dataclasses.replace(own, **fields)


def test_addresses_replace_the_apps_own_variables_of_these_names() -> None:
    own = order(
        environment={"WEB_URL": "http://elsewhere", "MODE": "x"},
        secrets={"CART_URL": "hunter2", "KEY": "hunter3"},
        build_only=("CART_URL",),
    )
    given = give_addresses(own, FOUND)
    assert given.given_to_containers == {**FOUND, "MODE": "x", "KEY": "hunter3"}
    assert "hunter2" not in given.encode().decode()


def test_addresses_are_in_no_build() -> None:
    own = order(environment={"MODE": "x"}, secrets={"KEY": "hunter3"}, run_only=("KEY", "WEB_URL"))
    given = give_addresses(own, FOUND)
    assert given.given_to_build == own.given_to_build == {"MODE": "x"}
    # So all that a build depends on is as without a stack.
    assert give_addresses(given, FOUND) == given


def test_without_a_stack_and_for_strangers_an_order_stays_as_it_is() -> None:
    own = order(environment={"WEB_URL": "http://elsewhere"})
    assert give_addresses(own, {}) is own
    stranger = order(trusted=False)
    assert give_addresses(stranger, FOUND) is stranger


def test_jobs_of_an_app_get_the_stacks_own_addresses(driven: Driven) -> None:
    stack = WrittenStack("web", {"web": Member("hello", "main")})
    driven.call(lambda: driven.service.stack_commands.write("shop", stack, by="ada"))
    Jobs(driven).place()
    (task,) = driven.cluster.tasks
    assert task.order.given_to_containers == {"WEB_URL": "http://shop.localhost:8080"}
    assert task.order.given_to_build == {}
    assert task.order.variant == ""
