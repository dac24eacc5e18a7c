"""executor/workspace/usage_locks.py: items in use stay, and the others have a time of last use."""

import os
import threading
from pathlib import Path

from executor.workspace.usage_locks import UsageLocks

THING = "image prevs/hello:1"


def test_an_item_in_use_cannot_be_removed(tmp_path: Path) -> None:
    user, remover = UsageLocks(tmp_path), UsageLocks(tmp_path)
    user.hold(THING)
    with remover.removing(THING) as free:
        assert not free
    with remover.removing("image prevs/hello:2") as free:
        assert free
    user.release()
    with remover.removing(THING) as free:
        assert free


def test_an_item_that_is_taken_is_of_one_alone_until_its_release(tmp_path: Path) -> None:
    one, other = UsageLocks(tmp_path), UsageLocks(tmp_path)
    assert one.take(THING)
    assert one.take(THING), "it has it already"
    assert not other.take(THING)
    with other.removing(THING) as free:
        assert not free
    one.release()
    assert other.take(THING)


def test_an_item_is_let_go_alone(tmp_path: Path) -> None:
    one, other = UsageLocks(tmp_path), UsageLocks(tmp_path)
    assert one.take(THING)
    assert one.take("another")
    assert other.is_used(THING)
    one.let_go(THING)
    one.let_go(THING)
    assert (other.is_used(THING), other.is_used("another")) == (False, True)


def test_an_item_is_in_use_as_long_as_its_context(tmp_path: Path) -> None:
    uses = UsageLocks(tmp_path)
    with uses.using(THING), UsageLocks(tmp_path).using(THING), uses.removing(THING) as free:
        assert not free
    with uses.removing(THING) as free:
        assert free


def test_a_new_user_waits_for_the_end_of_the_removal(tmp_path: Path) -> None:
    began = threading.Event()
    user = UsageLocks(tmp_path)

    def use() -> None:
        user.hold(THING)
        began.set()

    thread = threading.Thread(target=use)
    with UsageLocks(tmp_path).removing(THING) as free:
        assert free
        thread.start()
        assert not began.wait(0.1)
    thread.join(60)
    assert began.is_set()


def test_the_last_use_is_when_it_ended(tmp_path: Path) -> None:
    uses = UsageLocks(tmp_path)
    assert uses.last(THING) is None
    uses.hold(THING)
    (file,) = (tmp_path / "uses").iterdir()
    os.utime(file, (100.0, 100.0))
    assert uses.last(THING) == 100.0
    uses.refresh()
    assert (uses.last(THING) or 0.0) > 100.0
    os.utime(file, (100.0, 100.0))
    uses.release()
    assert (uses.last(THING) or 0.0) > 100.0


def test_an_old_use_is_forgotten_and_one_that_lasts_is_not(tmp_path: Path) -> None:
    uses = UsageLocks(tmp_path)
    uses.tidy(1000.0)  # nothing was used yet
    uses.hold(THING)
    with uses.using("another"):
        pass
    for file in (tmp_path / "uses").iterdir():
        os.utime(file, (100.0, 100.0))
    uses.tidy(50.0)
    assert uses.last("another") == 100.0
    uses.tidy(1000.0)
    assert uses.last("another") is None
    assert uses.last(THING) == 100.0


def test_an_item_used_during_the_cleanup_of_uses_is_in_use(tmp_path: Path) -> None:
    ended = threading.Event()

    def tidy() -> None:
        while not ended.is_set():
            UsageLocks(tmp_path).tidy(float("inf"))

    thread = threading.Thread(target=tidy)
    thread.start()
    try:
        for _ in range(300):
            with UsageLocks(tmp_path).using(THING), UsageLocks(tmp_path).removing(THING) as free:
                assert not free
    finally:
        ended.set()
        thread.join()
