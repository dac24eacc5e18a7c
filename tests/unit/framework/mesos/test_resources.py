from framework.mesos.resources import read_resources, read_revocable, write_resources
from tests.fakes.offers import ports, scalar

RESERVED = {"reservations": [{"type": "STATIC", "role": "prevs"}]}


def test_revocable_resources_are_not_used() -> None:
    offered = [scalar("cpus", 1, revocable={}), scalar("disk", 1, shared={}), scalar("mem", 1)]
    assert [resource.name for resource in read_resources(offered)] == ["mem"]


def test_of_revocable_resources_only_cpus_are_read_and_named_as_they_were_offered() -> None:
    cpus = scalar("cpus", 1, revocable={})
    read = read_revocable([scalar("mem", 1, revocable={}), cpus, scalar("cpus", 8)])
    assert write_resources(read) == [cpus]


def test_resources_that_are_neither_scalars_nor_ports_are_left_out() -> None:
    gpus = {"name": "models", "type": "SET", "set": {"item": ["a"]}}
    others = {**ports(1, 2), "name": "numbers"}
    assert read_resources([gpus, others]) == ()


def test_a_resource_is_named_as_it_was_offered() -> None:
    offered = [scalar("cpus", 1.0, **RESERVED), ports(31000, 31010)]
    read = read_resources(offered)
    assert [resource.reserved for resource in read] == [True, False]
    assert write_resources(read) == offered


def test_a_part_of_a_resource_keeps_its_terms() -> None:
    (cpus, free) = read_resources([scalar("cpus", 1.0, **RESERVED), ports(31000, 31010)])
    parts = [cpus._replace(amount=0.5), free._replace(ports=(range(31000, 31001),))]
    assert write_resources(parts) == [scalar("cpus", 0.5, **RESERVED), ports(31000, 31000)]
