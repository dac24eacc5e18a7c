"""executor/attempt.py: the container that an attempt wants."""

import dataclasses

from executor.attempt import Attempt, container_spec, image_labels
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
    assert container_spec(ATTEMPT).labels == {
        "prevs.task": f"hello.{SHA}.abc",
        "prevs.app": "hello",
        "prevs.commit": SHA,
        "prevs.agent": "agent-1",
        "prevs.cluster": "c1",
    }


def test_an_installation_without_a_name_leaves_no_label_of_it() -> None:
    attempt = dataclasses.replace(ATTEMPT, cluster=None)
    assert "prevs.cluster" not in container_spec(attempt).labels


def test_the_labels_of_an_image_name_no_attempt() -> None:
    other = dataclasses.replace(ATTEMPT, task_id=f"hello.{SHA}.xyz", agent_id="agent-2")
    assert image_labels(ATTEMPT) == image_labels(other)


def test_the_application_is_told_its_port_and_what_it_is() -> None:
    assert container_spec(ATTEMPT).environment == {
        "PORT": "8080",
        "PREVS_APP": "hello",
        "PREVS_COMMIT": SHA,
        "PREVS_LABEL": "main",
        "PREVS_URL": "http://main.hello.localhost:8080/",
    }


def test_the_port_of_the_offer_leads_to_the_port_of_the_application() -> None:
    spec = container_spec(ATTEMPT)
    assert (spec.host, spec.host_port, spec.container_port) == ("127.0.0.1", 31000, 8080)
    assert spec.image == f"prevs/hello:{SHA}"
    assert spec.name == f"prevs-hello.{SHA}.abc"
