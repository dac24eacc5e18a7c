"""A commit's companions, from the [companions.NAME] of its file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps.manifest import Bounds, InvalidManifest, Manifest, read
from framework.apps.manifest.companion_keys import MOST_COMPANIONS
from framework.apps.manifest.companion_problems import order_starts
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.containers import Keep
from prevs.records import Mistake

BOUNDS = Bounds("shop", "", 1.0, 1024)
WHOLE = b"""\
stay = true

[companions.worker]
build = { target = "worker" }
command = "celery -A 'my shop' worker"
after = ["cache", "db", "db"]

[companions.db]
image = "registry.example.org:5000/team/postgres:17@sha256:0a"
environment = { POSTGRES_PASSWORD = "", "discovery.type" = "single-node" }
volumes = ["/var/lib/postgresql/data/"]
ready = ["pg_isready", "-U", "postgres"]
cpus = 0.25
mem = 256

[companions.cache]
image = "redis:8"
ready = { port = 6379 }
port = 8081
keep = "commit"

[companions.copy]
"""


def mistakes(text: str, bounds: Bounds = BOUNDS) -> list[tuple[int, str]]:
    """Return the mistakes of a file, each with its line."""
    with pytest.raises(InvalidManifest) as raised:
        read(text.encode(), bounds)
    assert raised.value.compose == ""
    return [(one.line, one.message) for one in raised.value.mistakes]


def test_a_file_may_set_every_key_of_its_companions() -> None:
    assert read(WHOLE, BOUNDS).settings.run == RunSettings(
        stay=True,
        companions=(
            Companion(
                "db",
                image="registry.example.org:5000/team/postgres:17@sha256:0a",
                environment={"POSTGRES_PASSWORD": "", "discovery.type": "single-node"},
                volumes=("/var/lib/postgresql/data",),
                ready=("pg_isready", "-U", "postgres"),
                cpus=0.25,
                mem=256,
            ),
            Companion("cache", image="redis:8", ready_port=6379, port=8081, keep=Keep.COMMIT),
            Companion(
                "worker",
                target="worker",
                command=("celery", "-A", "my shop", "worker"),
                after=("cache", "db"),
            ),
            Companion("copy"),
        ),
    )


def test_what_a_file_does_not_say_is_of_the_branch_for_companions_alone() -> None:
    run = read(b'volumes = ["/data"]\n[companions.db]\nvolumes = ["/data"]', BOUNDS).settings.run
    assert (run.keep, run.companions[0].keep) == (Keep.COMMIT, Keep.BRANCH)


DB = '[companions.db]\nimage = "x"\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("companions = 3", 1, "companions must be a table for each companion: [companions.NAME] on "
         "a line of its own, its keys below it"),
        ("[companions]\ndb = 3", 2, "companions.db must be a table, not 3: [companions.NAME] on a "
         "line of its own, and its keys below it"),
        ("[companions.app]", 1,
         "companions.app is a name that leads elsewhere: choose another one"),
        ("[companions.localhost]", 1,
         "companions.localhost is a name that leads elsewhere: choose another one"),
        ("[companions.my_db]", 1, "companions.my_db is not a host name: use 1 to 63 characters of "
         "a-z, 0-9 and -, and no - at the beginning or the end"),
        (f"{DB}imag = 1", 3, "companions.db.imag is not known; did you mean image?"),
        (f"{DB}port = 0", 3, "companions.db.port must be at least 1, not 0"),
        (f"{DB}port = 8080", 3, "companions.db.port is port 8080, at which the application "
         "listens: all containers share one network, so let it listen at another port"),
        (f"{DB}port = 1\n[companions.a]\nport = 1", 5, "companions.a.port is port 1, at which "
         "companions.db listens: all containers share one network, so let it listen at another "
         "port"),
        ("[companions.db]\nimage = 'a b'", 2, "companions.db.image is not the name of an image: "
         'write it as after FROM, like "postgres:17"'),
        ("[companions.db]\nimage = '-v'", 2, "companions.db.image is not the name of an image: "
         'write it as after FROM, like "postgres:17"'),
        ("[companions.db]\nimage = '5c80e7d1a2b3'", 2, "companions.db.image is the id of an image "
         'on one machine: write its name, like "postgres:17"'),
        ("[companions.db]\nimage = 'docker.io/prevs/shop:1'", 2, "companions.db.image is an image "
         "of prevs's own; leave image out for the image of this commit"),
        (f"{DB}build = {{ target = 'x' }}", 3,
         "companions.db.build is only for a companion without image; leave one of them out"),
        ("[companions.db.build]\ncontext = 'x'", 2,
         "companions.db.build.context is not known; there is target: all else is as in [build]"),
        ("[companions.db]\nbuild = 'x'", 2, "companions.db.build must be a table of names and "
         'texts, not text: build = { target = "worker" }'),
        (f"{DB}environment = {{ '1A' = 'x' }}", 3, "companions.db.environment.1A is not a "
         "variable's name: use letters, digits, _, . and -, and no digit first"),
        (f"{DB}ready = 5432", 3, "companions.db.ready must be a list of words, like "
         '["pg_isready"], or a port, like { port = 5432 }'),
        (f"{DB}ready = ['a', 1]", 3, "companions.db.ready, entry 2 must be text in quotes, not 1: "
         'ready = ["pg_isready", "-U", "postgres"]'),
        (f"{DB}ready = []", 3, "companions.db.ready must not be empty"),
        (f"{DB}ready = {['a'] * 101}", 3, "companions.db.ready may have at most 100 entries"),
        (f"{DB}ready = {{ port = 0 }}", 3,
         "companions.db.ready must be a port from 1 to 65535, not 0"),
        (f"{DB}ready = {{ tcp = 1 }}", 3, "companions.db.ready must have a port and nothing else, "
         "like { port = 5432 }"),
        (f"{DB}ready = {{ port = 8080 }}", 3, "companions.db.ready waits for port 8080, at which "
         "the application listens: all containers share one network, so let it listen at another "
         "port"),
        (f"port = 5432\n{DB}ready.port = 5432", 4, "companions.db.ready waits for port 5432, at "
         "which the application listens: all containers share one network, so let it listen at "
         "another port"),
        (f"{DB}ready.port = 1\n[companions.a]\nready.port = 1", 5, "companions.a.ready waits for "
         "port 1, at which companions.db listens: all containers share one network, so let it "
         "listen at another port"),
        (f"{DB}after = [\n'bd']\n[companions.a]", 4,
         "companions.db.after, entry 1 is not the name of a companion; there are a"),
        (f"{DB}after = ['cach']\n[companions.cache]", 3,
         "companions.db.after, entry 1 is not the name of a companion; did you mean cache?"),
        (f"{DB}after = ['x']", 3,
         "companions.db.after, entry 1 is not the name of a companion: there is no other one"),
        (f"{DB}after = ['db']", 3, "companions.db.after makes a circle: db starts after db"),
        ("[companions]\na.after = ['b']\nb.after = ['c']\nc.after = ['a']\nd.after = ['a']", 2,
         "companions.a.after makes a circle: a starts after b, which starts after c, which starts "
         "after a"),
        (f"{DB}mem = 2048", 3, "companions.db.mem asks for 2048 MB; this app's commits may have "
         "at most 1024: ask an admin to raise its max_mem (prevs app set shop --max-mem 2048)"),
        (f"{DB}mem = 1000", 1, "companions and the application take 1128 MB together; this app's "
         "commits may have at most 1024: ask an admin to raise that (prevs app set shop "
         "--max-mem 1128)"),
        (f"[resources]\ncpus = 0.95\n{DB}", 3, "companions and the application take 1.05 CPUs "
         "together; this app's commits may have at most 1: ask an admin to raise that "
         "(prevs app set shop --max-cpus 1.05)"),
        (f"stay = true\n{DB}", 1,
         "stay is only for a preview with volumes; leave it out, or set volumes"),
        ("compose_service = 'web'", 1,
         "compose_service is only for a file with compose; leave it out, or set compose"),
        ("compose = '../../x.yaml'", 1, "compose leaves the repository: name a path inside it"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_line_and_what_to_write(
    text: str, line: int, message: str
) -> None:
    assert mistakes(text) == [(line, message)]


def test_all_mistakes_are_reported_at_once() -> None:
    found = mistakes(
        f"stay = true\n{DB}ready.port = 8080\nafter = ['x', 'db']\nimag = 1\n[companions.app]"
    )
    assert [line for line, _ in found] == [1, 4, 5, 5, 6, 7]


def test_a_file_has_a_limited_number_of_companions() -> None:
    text = "".join(f"[companions.c{n}]\ncpus = 0.01\nmem = 16\n" for n in range(MOST_COMPANIONS))
    assert len(read(text.encode(), BOUNDS).settings.run.companions) == MOST_COMPANIONS
    found = mistakes(f"{text}[companions.more]\ncpus = 0.01\nmem = 16\n")
    assert found == [(1, "companions may have at most 20 entries")]


NAMES = ("a", "b", "c", "d", "e")


@given(
    st.permutations(NAMES), st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)))
)
def test_companions_start_after_those_that_they_wait_for_or_make_a_circle(
    order: list[str], after: dict[str, set[str]]
) -> None:
    lines = [f"[companions.{n}]\ncpus = .01\nafter = {sorted(after.get(n, ()))}" for n in order]
    text = "\n".join(lines).replace(".01", "0.01")
    found = try_to_read(text)
    if not isinstance(found, Manifest):
        assert all("circle" in one.message for one in found)
        assert not can_start(after)
        return
    assert can_start(after)
    before: set[str] = set()
    for one in found.settings.run.companions:
        assert set(one.after) <= before
        before.add(one.name)
    assert before == set(NAMES)


def try_to_read(text: str) -> Manifest | tuple[Mistake, ...]:
    """Return what a file says, or all mistakes in it."""
    try:
        return read(text.encode(), BOUNDS)
    except InvalidManifest as error:
        return error.mistakes


def can_start(after: dict[str, set[str]]) -> bool:
    """Return whether every companion starts, if each starts as soon as it may."""
    started: set[str] = set()
    for _ in NAMES:
        started |= {name for name in NAMES if after.get(name, set()) <= started}
    return started == set(NAMES)


def test_companions_that_wait_for_none_stay_in_the_order_of_the_file() -> None:
    given = [Companion("z"), Companion("b", after=("y",)), Companion("y"), Companion("a")]
    assert [one.name for one in order_starts(given)] == ["z", "y", "b", "a"]


@pytest.mark.parametrize(
    "key", ["image", "build", "command", "ready", "port", "after", "mem", "volumes"]
)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["port", "target", "x"]), inner, max_size=2)
        ),
        max_leaves=5,
    )
)
def test_any_value_is_accepted_or_refused_with_the_line_of_the_key(key: str, value: object) -> None:
    text = f"\n[companions.db]\n{key} = {write(value)}\n"
    found = try_to_read(text)
    if not isinstance(found, Manifest):
        assert {one.line for one in found} <= {2, 3}


def write(value: object) -> str:
    """Return a value as TOML; one that TOML does not have becomes an empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(write, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {write(one)}' for key, one in value.items())} }}"
    if isinstance(value, int | float):
        return str(value)
    return "'" + "".join(one for one in str(value or "") if one.isalnum()) + "'"
