"""executor/attempt/attempt.py: the container that an attempt wants."""

import dataclasses

from executor.attempt.attempt import (
    Attempt,
    container_spec,
    describe_command,
    hook_spec,
    image_labels,
    image_spec,
)
from executor.ports import PublishedPort, Volume
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.messages import BuildOrder

SHA = "5c80e7d" + "0" * 33
ORDER = BuildOrder(
    app="hello",
    sha=SHA,
    label="main",
    repository="https://example.org/hello.git",
    container_port=8080,
    host="127.0.0.1",
    host_port=31000,
    cpus=0.5,
    mem=64,
    url="http://main.hello.localhost:8080/",
)
ATTEMPT = Attempt(f"hello.{SHA}.abc", "agent-1", "c1", ORDER)


def test_the_container_carries_labels_that_name_its_attempt() -> None:
    labels = {
        "prevs.task": f"hello.{SHA}.abc",
        "prevs.app": "hello",
        "prevs.commit": SHA,
        "prevs.agent": "agent-1",
    }
    assert container_spec(ATTEMPT).labels == {**labels, "prevs.cluster": "c1"}
    assert container_spec(ATTEMPT._replace(cluster=None)).labels == labels


def test_the_labels_of_an_image_name_no_attempt() -> None:
    other = ATTEMPT._replace(task_id=f"hello.{SHA}.xyz", agent_id="agent-2")
    assert image_labels(ATTEMPT) == image_labels(other)


def test_the_application_gets_its_port_and_its_identity() -> None:
    assert container_spec(ATTEMPT).environment == {
        "PORT": "8080",
        "PREVS_APP": "hello",
        "PREVS_COMMIT": SHA,
        "PREVS_LABEL": "main",
        "PREVS_URL": "http://main.hello.localhost:8080/",
    }


def test_an_instance_knows_its_variant_and_shares_the_image_of_its_commit() -> None:
    order = dataclasses.replace(ORDER, instance="7be0ac6d" * 5, variant="feature-x")
    attempt = ATTEMPT._replace(order=order)
    ours = container_spec(ATTEMPT).environment
    assert container_spec(attempt).environment == {**ours, "PREVS_STACK": "feature-x"}
    assert (attempt.image, image_labels(attempt)) == (ATTEMPT.image, image_labels(ATTEMPT))


def test_a_variable_is_given_to_builds_or_containers_as_the_order_requires() -> None:
    order = dataclasses.replace(
        ORDER,
        environment={"MODE": "preview", "NPM_MIRROR": "http://m"},
        secrets={"API_KEY": "hunter2", "NPM_TOKEN": "hunter3"},
        build_only=("NPM_MIRROR", "NPM_TOKEN"),
        run_only=("API_KEY",),
    )
    attempt = ATTEMPT._replace(order=order)
    assert image_spec(attempt).secrets == {
        "MODE": "preview",
        "NPM_MIRROR": "http://m",
        "NPM_TOKEN": "hunter3",
    }
    given = dict(container_spec(attempt).environment)
    assert {
        name: given[name] for name in given if name not in container_spec(ATTEMPT).environment
    } == {"MODE": "preview", "API_KEY": "hunter2"}


def test_the_port_of_the_offer_leads_to_the_port_of_the_application() -> None:
    spec = container_spec(ATTEMPT)
    assert spec.ports == (PublishedPort(8080, "127.0.0.1", 31000),)
    assert spec.image == f"prevs/hello:{SHA}"
    assert spec.name == names.container_name(f"hello.{SHA}.abc")


def test_without_a_port_of_the_offer_nothing_is_published() -> None:
    order = dataclasses.replace(ORDER, host_port=0)
    assert container_spec(ATTEMPT._replace(order=order)).ports == ()


def test_secrets_of_the_app_override_variables_of_the_commit_and_ours_override_both() -> None:
    order = dataclasses.replace(
        ORDER,
        run=RunSettings(environment={"A": "commit", "B": "commit", "C": "commit", "PORT": "1"}),
        environment={"B": "app", "C": "app", "PREVS_APP": "app"},
        secrets={"C": "secret", "PREVS_URL": "secret"},
    )
    variables = container_spec(ATTEMPT._replace(order=order)).environment
    assert {name: variables[name] for name in "ABC"} == {"A": "commit", "B": "app", "C": "secret"}
    ours = container_spec(ATTEMPT).environment
    assert {name: variables[name] for name in ours} == ours


def test_no_secret_is_shown_with_the_container() -> None:
    order = dataclasses.replace(ORDER, secrets={"TOKEN": "hunter2"})
    assert "hunter2" not in repr(container_spec(ATTEMPT._replace(order=order)))


SETTINGS = RunSettings(
    command=("serve", "-v"), read_only=True, hooks=(("migrate",), ("seed", "a b"))
)
PREPARED = ATTEMPT._replace(order=dataclasses.replace(ORDER, run=SETTINGS))
VOLUMES = (Volume("/data", "prevs-hello-data", "1"),)


def test_the_container_has_the_settings_of_its_commit() -> None:
    spec = container_spec(PREPARED, VOLUMES)
    assert spec.command == ("serve", "-v")
    assert spec.read_only
    assert spec.volumes == {"/data": "prevs-hello-data"}


def test_a_hook_has_the_container_of_the_application_and_no_port() -> None:
    hook = hook_spec(PREPARED, 2, ["seed", "a b"], VOLUMES)
    assert hook.command == ("seed", "a b")
    assert hook.ports == ()
    assert hook.labels["prevs.hook"] == "2"
    spec = container_spec(PREPARED, VOLUMES)
    same = dataclasses.replace(hook, command=spec.command, ports=spec.ports, labels=spec.labels)
    assert same == spec


def test_a_hook_is_shown_in_one_line_of_limited_length() -> None:
    assert describe_command(["python", "manage.py", "migrate"]) == "python manage.py migrate"
    assert describe_command(["sh", "-c", "echo a\n\x1b[2J"]) == "sh -c 'echo a\ufffd\ufffd[2J'"
    assert len(describe_command(["x" * 1000])) == 120


def test_another_folder_has_another_image() -> None:
    other = ATTEMPT._replace(order=dataclasses.replace(ORDER, folder="shop"))
    assert other.image != ATTEMPT.image


def test_a_strangers_commit_has_an_image_and_volumes_of_its_own() -> None:
    stranger = ATTEMPT._replace(order=dataclasses.replace(ORDER, trusted=False))
    assert stranger.image == f"{ATTEMPT.image}-fork"
    assert image_labels(stranger) == {**image_labels(ATTEMPT), "prevs.stranger": "yes"}
    owners = {names.volume_owner("hello", trusted=trusted) for trusted in (True, False)}
    assert len(owners) == 2
    assert not any(names.is_app_name(owner) for owner in owners - {"hello"})
