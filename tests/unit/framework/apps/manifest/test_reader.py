"""A commit's settings, from the bytes of its file."""

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps.compose.file_text import MOST_BYTES
from framework.apps.manifest import Bounds, InvalidManifest, Manifest, read
from framework.apps.manifest.keys import Top, find_table, list_tables
from prevs.commit_settings import CommitSettings, HealthKind, RunSettings
from prevs.containers import BuildSettings, Keep
from prevs.records import Mistake

BOUNDS = Bounds("shop", "services/web", 0.5, 512)
ELSEWHERE = ("jobs", "companions", "compose", "compose_service")
"""What test_jobs.py, test_companions.py and test_compose.py have."""
WHOLE = b"""\
port = 8000
command = ["gunicorn", "app:app"]
read_only = true
volumes = ["/data/", "//var/lib/shop"]
keep = "branch"
seed = "branch:feature/x"
stay = true
watch = ["services/web/**", "libs/ui/"]

[health]
kind = "http"
path = "/healthz"
host = "shop.test"
status = [200, 204]
timeout = 5
grace = 120

[resources]
cpus = 0.5
mem = 512

[environment]
NAME = "value"
EMPTY = ""

[build]
dockerfile = "docker/./Dockerfile"
context = "../.."
target = "web"
args = { A = "1" }

[hooks]
prepare = [["python", "manage.py", "migrate"], "python 'seed it.py'"]
postdeploy = ["bin/greet"]
seed = [["load", "demo"], "load more"]
release = ["migrate"]
"""


def mistakes(text: str | bytes, bounds: Bounds = BOUNDS) -> list[tuple[int, str]]:
    """Return the mistakes of a file, each with its line."""
    with pytest.raises(InvalidManifest) as raised:
        read(text.encode() if isinstance(text, str) else text, bounds)
    return [(one.line, one.message) for one in raised.value.mistakes]


def test_a_file_may_set_every_key() -> None:
    assert read(WHOLE, BOUNDS).settings == CommitSettings(
        port=8000,
        health="/healthz",
        start_limit=120.0,
        cpus=0.5,
        mem=512,
        build=BuildSettings("docker/Dockerfile", "../..", "web", {"A": "1"}),
        watch=("services/web/**", "libs/ui"),
        run=RunSettings(
            command=("gunicorn", "app:app"),
            environment={"NAME": "value", "EMPTY": ""},
            read_only=True,
            volumes=("/data", "/var/lib/shop"),
            keep=Keep.BRANCH,
            seed="feature/x",
            stay=True,
            hooks=(("python", "manage.py", "migrate"), ("python", "seed it.py")),
            release=(("migrate",),),
            seed_hooks=(("load", "demo"), ("load", "more"), ("bin/greet",)),
            statuses=(200, 204),
            check_timeout=5.0,
            health_host="shop.test",
            health_kind=HealthKind.HTTP,
        ),
    )


def test_the_full_example_has_every_key() -> None:
    values = tomllib.loads(WHOLE.decode())
    for name, field in Top.model_fields.items():
        if name not in ELSEWHERE:
            table = find_table((name,))
            assert not table or set(table.model_fields) <= set(values[name]), name
            assert field.default != values[name]


def test_an_empty_file_leaves_every_setting_to_the_app() -> None:
    assert read(b"", BOUNDS) == read(b"# later\n", BOUNDS) == Manifest()


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('command = "gunicorn --name \'a b\' app:app"', RunSettings(
            command=("gunicorn", "--name", "a b", "app:app"))),
        ("[health]\nstatus = 204", RunSettings(statuses=(204,), health_kind=HealthKind.HTTP)),
        ('[health]\nkind = "grpc"', RunSettings(health_kind=HealthKind.GRPC)),
        ('[health]\ntimeout = 2\nkind = "tcp"',
         RunSettings(check_timeout=2.0, health_kind=HealthKind.TCP)),
        ('[health]\npath = "/up"', RunSettings()),
        ('[health]\nhost = "shop.test:80"', RunSettings(health_host="shop.test:80")),
        ("[health]\ntimeout = 0.5", RunSettings(check_timeout=0.5)),
        ('[hooks]\nprepare = ["a $HOME; b"]', RunSettings(hooks=(("a", "$HOME;", "b"),))),
        ('[environment]\nA = """x\ny"""', RunSettings(environment={"A": "x\ny"})),
    ],
)  # fmt: skip
def test_a_key_may_be_written_in_more_than_one_way(text: str, settings: RunSettings) -> None:
    assert read(text.encode(), BOUNDS).settings.run == settings


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("prot = 1", 1, "prot is not known; did you mean port?"),
        ("\nmem = 1", 2, "mem is not known here; it belongs in [resources]"),
        ("[health]\nport = 1", 2, "health.port is not known here; it belongs in the top of the "
         "file, before any [table]"),
        ("[resources]\ncpu = 1", 2, "resources.cpu is not known; did you mean cpus?"),
        ("[hooks]\nzzz = 1", 2, "hooks.zzz is not known; [hooks] has prepare, "
         "release, seed, postdeploy"),
        ("\n[tool.black]\nx = 1", 2, "tool is not known; there are port, command, read_only, "
         "volumes, keep, seed, stay, compose, compose_service, watch, environment, health, "
         "resources, build, hooks, companions, jobs"),
        ('port = "8000"', 1, "port must be a whole number, without quotes, not text: port = 8000"),
        ("port = 80.5", 1, "port must be a whole number, without quotes, not 80.5: port = 8000"),
        ("port = true", 1,
         "port must be a whole number, without quotes, not true or false: port = 8000"),
        ("port = 0", 1, "port must be at least 1, not 0"),
        ("port = 65536", 1, "port must be at most 65535, not 65536"),
        ("command = 3", 1,
         'command must be a list in brackets, not 3: command = ["gunicorn", "shop:app"]'),
        ('command = ""', 1, "command must not be empty"),
        ("command = ['', 'a']", 1,
         "command begins with an empty word; write the program's name first"),
        ('command = [\n"a",\n3]', 3,
         'command, entry 2 must be text in quotes, not 3: command = ["gunicorn", "shop:app"]'),
        ("command = \"a 'b\"", 1,
         "command cannot be split into words (no closing quotation); write a list of words"),
        (f"command = {['a'] * 101}", 1, "command may have at most 100 entries"),
        ('command = ["a\\u0000"]', 1, "command, entry 1 must not contain a NUL character"),
        ("read_only = 1", 1,
         "read_only must be true or false, without quotes, not 1: read_only = true"),
        ('keep = "forever"', 1, 'keep must be "commit" or "branch", not forever'),
        ('seed = "main"', 1, "seed must name a branch, as branch:main, not main"),
        ('seed = "branch:"', 1, "seed must name a branch, as branch:main, not branch:"),
        ('volumes = "/data"', 1,
         'volumes must be a list in brackets, not text: volumes = ["/data"]'),
        ('volumes = ["data"]', 1,
         "volumes, entry 1 must be an absolute path in the container, like /data"),
        ('volumes = ["/a", "/../"]', 1, "volumes, entry 2 cannot be a volume: / and everything "
         "below /proc, /sys and /dev belong to the system"),
        ('volumes = ["/a/", "/a"]', 1, "volumes names /a twice"),
        ("environment = 1979-05-27", 1,
         "environment must be a table of names and texts, not a date or time: "
         'environment = { DEBUG = "1" }'),
        ("[environment]\nDEBUG = 1", 2,
         'environment.DEBUG must be text in quotes, not 1: DEBUG = "1"'),
        ('[environment]\nPORT = "1"', 2, "environment.PORT is set by prevs; choose another name; "
         "set the port with the key port, outside [environment]"),
        ('[environment]\nPREVS_URL = "x"', 2,
         "environment.PREVS_URL is set by prevs; choose another name"),
        ('[environment]\n"a b" = "x"', 2,
         "environment.a b is not a variable's name: use letters, digits and _, and no digit first"),
        ('health = "/up"', 1,
         "health must be a table, not text: [health] on a line of its own, and its keys below it"),
        ('[health]\nhost = "a b"', 2,
         "health.host must be a host name, with a port or without: shop.example, localhost:8000"),
        ('[health]\npath = "up"', 2,
         "health.path must begin with / and contain no spaces or control characters"),
        (f'[health]\npath = "/{"a" * 200}"', 2, "health.path may have at most 200 characters"),
        ('[health]\nkind = "https"', 2,
         'health.kind must be "http", "grpc" or "tcp", not https'),
        ("[health]\nkind = 1", 2, 'health.kind must be text in quotes, not 1: kind = "grpc"'),
        ('[health]\npath = "/up"\nkind = "grpc"', 2, 'health.path is only for kind = "http"; '
         'leave it out, or change kind = "grpc"'),
        ('[health]\nkind = "tcp"\nstatus = 200', 3, 'health.status is only for kind = "http"; '
         'leave it out, or change kind = "tcp"'),
        ("[health]\nstatus = 404.0", 2,
         "health.status must be a list in brackets, not 404: status = 200"),
        ("[health]\nstatus = [200,\n 100]", 3, "health.status, entry 2 must be at least 200, "
         "not 100"),
        ("[health]\nstatus = []", 2, "health.status must not be empty"),
        ("[health]\ntimeout = 0", 2, "health.timeout must be at least 0.1, not 0"),
        ("[health]\ngrace = inf", 2, "health.grace must be at most 3600, not inf"),
        ("[resources]\nmem = 2048", 2, "resources.mem asks for 2048 MB; this app's commits may "
         "have at most 512: ask an admin to raise its max_mem (prevs app set shop --max-mem 2048)"),
        ("[resources]\ncpus = 1.5", 2, "resources.cpus asks for 1.5 CPUs; this app's commits may "
         "have at most 0.5: ask an admin to raise its max_cpus "
         "(prevs app set shop --max-cpus 1.5)"),
        ("[resources]\nmem = 8", 2, "resources.mem must be at least 16, not 8"),
        ("[resources]\ncpus = nan", 2, "resources.cpus must be at most 64, not nan"),
        ('[build]\ndockerfile = "../../../x"', 2,
         "build.dockerfile leaves the repository: name a path inside it"),
        ('[build]\ncontext = "/"', 2,
         "build.context must be relative to the app's folder, without a / at the beginning"),
        ('[build]\ncontext = ""', 2,
         "build.context must be a path without control characters"),
        ('[build]\ntarget = "a b"', 2,
         "build.target is not a stage's name: use letters, digits, _, . and -"),
        ("[build.args]\nA = true", 2,
         'build.args.A must be text in quotes, not true or false: A = "1"'),
        ('[build]\nargs.1A = "x"', 2,
         "build.args.1A is not a variable's name: use letters, digits and _, and no digit first"),
        ('[hooks]\nprepare = "a"', 2, "hooks.prepare must be a list in brackets, not text: "
         'prepare = ["python manage.py migrate", ["python", "seed.py"]]'),
        ('[hooks]\nprepare = ["a",\n[]]', 3, "hooks.prepare, entry 2 must not be empty"),
        ("a = ", 1, "is not TOML: invalid value"),
        ("\n[health\n", 2, "is not TOML: expected ']' at the end of a table declaration"),
        ('port = 1\n\nx = """\n', 3, "is not TOML: unterminated string"),
        ("port = 1\nport = 2", 2, "is not TOML: cannot overwrite a value"),
        (b"port = 1\n# \xff", 2, "is not UTF-8: save the file as UTF-8"),
        (f"port = {'9' * 5000}", 1, "the file has a number with thousands of digits"),
        (f"\n{'.'.join('a' * 500)} = 1", 2, "is nested too deeply; no setting needs that"),
        ("#" * (MOST_BYTES + 1), 1, "the file has 8,193 bytes; at most 8,192 are allowed"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_line_and_what_to_write(
    text: str | bytes, line: int, message: str
) -> None:
    assert mistakes(text) == [(line, message)]


def test_all_mistakes_are_reported_at_once_in_the_order_of_lines() -> None:
    found = mistakes('prot = 1\n[resources]\nmem = 4096\n[health]\npath = "x"\n')
    assert [line for line, _ in found] == [1, 3, 5]


def test_a_key_that_is_very_long_is_cut() -> None:
    ((line, message),) = mistakes(f"{'k' * 5000} = 1")
    assert line == 1
    assert len(message) < 300


@pytest.mark.parametrize("context", ["..", "../..", "../services/web"])
def test_a_path_may_go_up_to_the_root_of_the_repository(context: str) -> None:
    text = f'[build]\ncontext = "{context}"'.encode()
    assert read(text, BOUNDS).settings.build.context
    with pytest.raises(InvalidManifest):
        read(text, BOUNDS._replace(folder=""))


TEXTS = st.text(max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.integers(-9, 70_000), st.floats(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("AB"), inner, max_size=2)
    ),
    max_leaves=5,
)
NAMES = [
    *Top.model_fields,
    *(f"{header}.{key}" for header, t in list_tables().items() if header for key in t.model_fields),
    "nothing",
]


def write(value: Any) -> str:
    """Return a value in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return (
            '"' + "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) < 0xE000) + '"'
        )
    if isinstance(value, list):
        return f"[{', '.join(map(write, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {write(one)}' for key, one in value.items())}}}"
    return str(value)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
def test_any_value_is_accepted_or_refused_with_the_line_of_the_key(values: dict[str, Any]) -> None:
    text = "".join(f"{name} = {write(value)}\n" for name, value in values.items())
    try:
        found = read(text.encode(), BOUNDS).settings
    except InvalidManifest as error:
        for mistake in error.mistakes:
            assert isinstance(mistake, Mistake)
            if "TOML" not in mistake.message:
                name = re.split("[ ,]", mistake.message)[0]
                line = text.splitlines()[mistake.line - 1]
                assert line.startswith((name.split(".")[0], f"{name} = "))
    else:
        assert found.mem is None or found.mem <= BOUNDS.mem
        assert not any("\0" in word for word in found.run.command)


@given(st.binary(max_size=200))
def test_any_bytes_are_accepted_or_refused(data: bytes) -> None:
    found: tuple[Mistake, ...] = ()
    try:
        read(data, BOUNDS)
    except InvalidManifest as error:
        found = error.mistakes
    assert all(1 <= one.line <= data.count(b"\n") + 1 for one in found)
