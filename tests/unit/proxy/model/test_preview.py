import pytest

from proxy.model.preview import Commit, Failure, Member, Step, read_commit, read_preview

SHA = "5c80e7d1f2a3b4c5d6e7f8091a2b3c4d5e6f7081"
JSON = {
    "app": "hello",
    "sha": SHA,
    "state": "failed",
    "phase": "building",
    "labels": ["main", "v1"],
    "url": "http://v1.hello.localhost/",
    "reason": "",
    "failure": {"cause": "build-failed", "message": "It broke.", "exit_code": 3},
    "task_id": "t",
    "agent": {"id": "a", "host": "10.0.0.1"},
    "changed": 12,
    "log_tail": "oh no",
}


def test_a_preview_is_read() -> None:
    preview = read_preview(JSON)
    assert preview.has_failed
    assert not preview.is_coming
    assert preview.labels == ("main", "v1")
    assert preview.failure == Failure("build-failed", "It broke.", 3)
    assert preview.changed == 12.0
    assert preview.agent == "10.0.0.1"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        *((1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th")),
        *((21, "21st"), (102, "102nd"), (111, "111th")),
    ],
)
def test_a_place_in_the_queue_is_an_ordinal_number(place: int, text: str) -> None:
    assert read_preview({**JSON, "queue_place": place}).place == f"{text} in the queue"


def test_the_next_try_is_in_seconds_from_now() -> None:
    preview = read_preview({**JSON, "next_try": 1030.5})
    assert preview.next_try_in(1000.0) == 30.5
    assert preview.next_try_in(1040.0) == 0.0


@pytest.mark.parametrize("none", [{}, {"queue_place": None, "next_try": None, "steps": None}])
def test_a_preview_without_place_next_try_or_steps_is_read(none: dict[str, None]) -> None:
    preview = read_preview({**JSON, **none})
    assert (preview.place, preview.next_try_in(0.0), preview.steps) == ("", None, ())


def test_steps_are_read() -> None:
    stored = [{"name": "queued", "began": 1, "ended": 2.5, "usual": None}, {"name": 3}, "x"]
    steps = read_preview({**JSON, "steps": stored}).steps
    assert steps[0] == Step("queued", 1.0, 2.5, None)
    assert steps[1:] == (Step("", None, None, None),) * 2


def test_a_value_of_another_type_counts_as_absent() -> None:
    preview = read_preview({"app": "a", "sha": SHA, "state": "queued", "labels": 3, "failure": []})
    assert (preview.labels, preview.failure, preview.changed) == ((), None, None)
    assert preview.is_coming


def test_an_instance_has_the_commit_that_people_see_and_the_label_that_names_it() -> None:
    member = {"member": "web", "app": "web", "label": "x", "apart": True, "state": None}
    members = [{**member, "url": "http://x--shop.localhost/"}, {**member, "url": "javascript:x"}]
    place = {"stack": "shop", "variant": "x", "member": "web", "members": [*members, 3]}
    own = {"sha": "b" * 40, "commit": SHA, "place": place}
    preview = read_preview({**JSON, **own, "labels": ["x--shop"]})
    assert (preview.commit, preview.handle, preview.instance) == (SHA, "x--shop", "x--shop")
    assert preview.variant is not None
    assert preview.variant.members == (
        Member("web", "web", "x", True, "http://x--shop.localhost/", ""),
    )
    commit = read_commit(own)
    assert (commit.commit, commit.variant) == (SHA, preview.variant)


@pytest.mark.parametrize("sent", [{}, {"commit": SHA, "place": None}, {"place": {"stack": "x"}}])
def test_any_other_preview_has_the_id_of_its_commit(sent: dict[str, object]) -> None:
    preview, commit = read_preview({**JSON, **sent}), read_commit({"sha": SHA, **sent})
    assert (preview.commit, preview.handle, preview.instance) == (SHA, SHA[:7], "")
    assert (preview.variant, commit.commit, commit.variant) == (None, SHA, None)


def test_an_older_commit_that_serves_a_label_is_shown_and_not_the_id_of_its_instance() -> None:
    rival = {"label": "x--shop", "sha": "b" * 40, "commit": SHA, "state": "running"}
    assert read_preview({**JSON, "rivals": [rival]}).serving == {"x--shop": SHA}
    del rival["commit"]
    assert read_preview({**JSON, "rivals": [rival]}).serving == {"x--shop": "b" * 40}


@pytest.mark.parametrize("value", [None, [], {}, {"app": "a"}, {"app": 1, "sha": "x", "state": ""}])
def test_json_without_a_preview_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no preview"):
        read_preview(value)


def test_a_commit_is_read() -> None:
    commit = read_commit({"sha": SHA, "kind": "branch", "ref": None, "subject": "Say hello"})
    assert commit == Commit(SHA, "branch", "", "", "Say hello", None)
    assert read_commit({"sha": SHA, "committed": 12}).committed == 12.0
    with pytest.raises(ValueError, match="no commit"):
        read_commit({"kind": "branch"})
