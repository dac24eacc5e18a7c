"""A commit's jobs, from the [jobs.NAME] of its file."""

import dataclasses
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps.manifest import Bounds, InvalidManifest, Manifest, read
from framework.apps.manifest.job_keys import MOST_JOBS, Job
from prevs import codec
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.schedules import Missed, Overlap, ScheduleSettings

BOUNDS = Bounds("shop", "", 0.5, 512)
WHOLE = b"""\
port = 8000

[jobs.report]
command = ["python", "report.py"]
cpus = 0.5
mem = 512
timeout = 900
retries = 3
delay = 2.5
no_retry = [2, 64]
preemptible = true
priority = 2
exclusive = "database"
expires = 600
companions = false
schedule = "0 6 * * mon-fri"
zone = "Europe/Berlin"
overlap = "queue"
missed = "all"
deadline = 1800
spread = 300

[jobs.import-1]
command = ["sh", "-c", "import | load"]
once = true
every = 3600

[jobs]
clean = { command = ["clean", ""], retries = 1, retry_only = 75 }
"""


def test_a_file_may_set_every_key_of_its_jobs() -> None:
    jobs = {
        "report": JobSettings(
            command=("python", "report.py"),
            cpus=0.5,
            mem=512,
            timeout=900.0,
            retries=3,
            delay=2.5,
            no_retry=(2, 64),
            preemptible=True,
            priority=2,
            exclusive="database",
            expires=600.0,
            companions=False,
            schedule=ScheduleSettings(
                cron="0 6 * * mon-fri",
                zone="Europe/Berlin",
                overlap=Overlap.QUEUE,
                missed=Missed.ALL,
                deadline=1800.0,
                spread=300.0,
            ),
        ),
        "import-1": JobSettings(
            command=("sh", "-c", "import | load"), once=True, schedule=ScheduleSettings(every=3600)
        ),
        "clean": JobSettings(command=("clean", ""), retries=1, retry_only=(75,)),
    }
    assert read(WHOLE, BOUNDS) == Manifest(CommitSettings(port=8000), jobs)


def test_the_full_example_has_every_key() -> None:
    jobs = tomllib.loads(WHOLE.decode())["jobs"].values()
    assert set(Job.model_fields) == {key for job in jobs for key in job}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\n[jobs.a]", 2,
         'jobs.a.command is missing: command = ["python", "report.py"]'),
        ("[job.a]\ncommand = ['x']", 1, "job is not known; did you mean jobs?"),
        ("[jobs.a]\ncommand = 'python report.py'", 2, "jobs.a.command must be a list in brackets, "
         'not text: command = ["python", "report.py"]'),
        ("[jobs.a]\ncommand = ['']", 2,
         "jobs.a.command begins with an empty word; write the program's name first"),
        ("[jobs.a]\ncommand = []", 2, "jobs.a.command must not be empty"),
        ("[jobs.a]\ncommand = ['x',\n'\\u0000',\n1]", 4, "jobs.a.command, entry 3 must be text in "
         'quotes, not 1: command = ["python", "report.py"]'),
        ("jobs = 3", 1, "jobs must be a table for each job: [jobs.NAME] on a line of its own, "
         "its keys below it"),
        ("[[jobs]]\ncommand = ['x']", 1, "jobs must be a table for each job: [jobs.NAME] on a line "
         "of its own, its keys below it"),
        ("[jobs]\ncommand = ['x']", 2, "jobs.command must be a table, not a list: [jobs.NAME] on a "
         "line of its own, and its keys below it"),
        ("[[jobs.a]]\ncommand = ['x']", 1, "jobs.a must be a table, not a list: [jobs.NAME] on a "
         "line of its own, and its keys below it"),
        ('[jobs."[key]"]\ncommand = ["x"]', 1, "jobs.[key] is not a name: use 1 to 40 characters "
         "of a-z, 0-9 and -, and no - at the beginning or the end"),
        ("[jobs.Report]\ncommand = ['x']", 1, "jobs.Report is not a name: use 1 to 40 characters "
         "of a-z, 0-9 and -, and no - at the beginning or the end"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_is_reported_with_its_line(text: str, line: int, message: str) -> None:
    assert (line, message) in mistakes(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memory = 1", "memory is not known; did you mean mem?"),
        ("prioriti = 1", "prioriti is not known; did you mean priority?"),
        ("port = 1", "port is not known here; it belongs in the top of the file, before any "
         "[table]"),
        ("volumes = []", "volumes is not known here; it belongs in the top of the file, before "
         "any [table]"),
        ("hooks = 1", "hooks is not known; [jobs.a] has command, cpus, mem, timeout, retries, "
         "delay, no_retry, retry_only, once, preemptible, priority, exclusive, expires, "
         "companions, schedule, "
         "every, zone, overlap, missed, deadline, spread"),
        ("cpus = 0.6", "cpus asks for 0.6 CPUs; this app's commits may have at most 0.5: ask an "
         "admin to raise its max_cpus (prevs app set shop --max-cpus 0.6)"),
        ("mem = 513", "mem asks for 513 MB; this app's commits may have at most 512: ask an admin "
         "to raise its max_mem (prevs app set shop --max-mem 513)"),
        ("timeout = 0", "timeout must be at least 1, not 0"),
        ("timeout = 604801", "timeout must be at most 604800, not 604801"),
        ("timeout = '1h'", "timeout must be a number, without quotes, not text: timeout = 900"),
        ("timeout = nan", "timeout must be at most 604800, not nan"),
        ("retries = -1", "retries must be at least 0, not -1"),
        ("retries = 11", "retries must be at most 10, not 11"),
        ("retries = 1.0", "retries must be a whole number, without quotes, not 1: retries = 3"),
        ("delay = 0.9", "delay must be at least 1, not 0.9"),
        ("delay = 3601", "delay must be at most 3600, not 3601"),
        ("no_retry = 0", "no_retry, entry 1 must be at least 1, not 0"),
        ("retry_only = [256]", "retry_only, entry 1 must be at most 255, not 256"),
        ("no_retry = []", "no_retry must not be empty"),
        ("no_retry = 1\nretry_only = 2",
         "retry_only is only for a job without no_retry; leave one of them out"),
        ("once = true\nretries = 1",
         "once is only for a job without retries; leave retries out, or once"),
        ("once = true\npreemptible = true",
         "preemptible is only for a job that may start again; leave once out, or preemptible"),
        ("once = 1", "once must be true or false, without quotes, not 1: once = true"),
        ("priority = 3", "priority must be at most 2, not 3"),
        ("exclusive = ''", "exclusive is not a name: use 1 to 40 characters of a-z, 0-9 and -, "
         "and no - at the beginning or the end"),
        ("expires = -1", "expires must be at least 0, not -1"),
        ("schedule = '@daily'", "schedule must have 5 fields (minute, hour, day, month, day of "
         'the week), like "0 6 * * mon-fri"'),
        ("schedule = '* * * *\\t*'", "schedule must have 5 fields (minute, hour, day, month, day "
         'of the week), like "0 6 * * mon-fri"'),
        (f"schedule = '* * * * {'*' * 200}'", "schedule may have at most 200 characters"),
        ("schedule = '* * * * *'\nevery = 60",
         "every is only for a job without schedule; leave one of them out"),
        ("every = 59", "every must be at least 60, not 59"),
        ("every = 31622401", "every must be at most 31622400, not 31622401"),
        ("zone = 'UTC'", "zone is only for a job with schedule; leave it out, or set schedule"),
        ("every = 60\nzone = 'UTC'",
         "zone is only for a job with schedule; leave it out, or set schedule"),
        ("schedule = '* * * * *'\nzone = '2+2'",
         "zone is not the name of a time zone: '2+2'. Write one like Europe/Berlin"),
        ("schedule = '* * * * *'\nzone = 'Europe/Berln'",
         "zone is not the name of a time zone: 'Europe/Berln'. Did you mean Europe/Berlin or "
         "Europe/Dublin or Europe/Belfast?"),
        ("schedule = '0 25 * * *'",
         "schedule has '25' as its hour. Write 0 to 23; several as 1,3 or 1-3, every third as */3, "
         "all as *"),
        ("schedule = '0 0 30 2 *'",
         "schedule never comes: no month of those has such a day. Choose a day that all of them "
         "have"),
        ("overlap = 'skip'",
         "overlap is only for a job with schedule or every; leave it out, or set one of these"),
        ("every = 60\noverlap = 'forbid'",
         'overlap must be "skip", "queue", "replace" or "allow", not forbid'),
        ("every = 60\nmissed = 'first'", 'missed must be "last", "none" or "all", not first'),
        ("deadline = 0",
         "deadline is only for a job with schedule or every; leave it out, or set one of these"),
        ("every = 60\nspread = 3601", "spread must be at most 3600, not 3601"),
        ("every = 'x'\nspread = 1", "every must be a whole number, without quotes, not text: "
         "every = 3600"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_key_is_reported_with_what_to_write(text: str, message: str) -> None:
    table = f"[jobs.a]\ncommand = ['x']\n{text}"
    key = message.replace(",", " ").split()[0]
    line = next(n for n, one in enumerate(table.splitlines(), 1) if one.startswith(f"{key} ="))
    assert mistakes(table) == [(line, f"jobs.a.{message}")]


@pytest.mark.parametrize(("name", "is_name"), [
    ("a", True), ("0", True), ("a-b", True), ("a" * 40, True), ("a" * 41, False), ("", False),
    ("-a", False), ("a-", False), ("a_b", False), ("a.b", False), ("ä", False), ("a\n", False),
])  # fmt: skip
def test_names_of_jobs_are_like_dns_labels(name: str, is_name: bool) -> None:
    text = f"[jobs.{json.dumps(name)}]\ncommand = ['x']"
    assert is_name is (not find_mistakes(text))


def test_a_file_may_have_fifty_jobs() -> None:
    jobs = [f"[jobs.j{number}]\ncommand = ['x']\n" for number in range(MOST_JOBS + 1)]
    assert len(read("".join(jobs[1:]).encode(), BOUNDS).jobs) == 50
    assert mistakes("".join(jobs)) == [(1, "jobs may have at most 50 entries")]


def test_mistakes_in_jobs_and_elsewhere_are_reported_together() -> None:
    text = "[jobs.a]\ncommand = 'x'\n[health]\npath = 'up'\n[jobs.b]\nmem = 1\n"
    assert [line for line, _ in mistakes(text)] == [2, 4, 5, 6]


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=6)
COMMANDS = st.lists(WORDS, max_size=4)
SCHEDULES = st.builds(
    ScheduleSettings,
    overlap=st.sampled_from(Overlap),
    missed=st.sampled_from(Missed),
    deadline=st.floats(0, 604_800),
    spread=st.floats(0, 3600),
)
SETTINGS = st.builds(
    JobSettings,
    command=COMMANDS.map(lambda words: ("x", *words)),
    cpus=st.none() | st.floats(0.01, BOUNDS.cpus),
    mem=st.none() | st.integers(16, BOUNDS.mem),
    timeout=st.floats(1, 604_800),
    delay=st.floats(1, 3600),
    priority=st.integers(0, 2),
    exclusive=st.just("") | st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True),
    expires=st.floats(0, 604_800),
    schedule=st.none()
    | st.builds(
        dataclasses.replace,
        SCHEDULES,
        cron=st.sampled_from(["0 6 * * mon-fri", "*/5  1,2 L * 0#1"]),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+1", "America/Argentina/Ushuaia"]),
    )
    | st.builds(dataclasses.replace, SCHEDULES, every=st.integers(60, 31_536_000)),
)
CODES = st.lists(st.integers(1, 255), max_size=3).map(tuple)
AGAIN = {"retries": st.integers(0, 10), "preemptible": st.booleans()}
RETRIES = st.one_of(
    st.fixed_dictionaries({"once": st.booleans()}),
    st.fixed_dictionaries({**AGAIN, "no_retry": CODES}),
    st.fixed_dictionaries({**AGAIN, "retry_only": CODES}),
)
JOBS = st.builds(lambda job, retries: dataclasses.replace(job, **retries), SETTINGS, RETRIES)
"""Every job that a file may have."""


@given(JOBS, JOBS)
def test_what_is_accepted_says_what_was_written(one: JobSettings, other: JobSettings) -> None:
    text = f"port = 1\n{write('one', one)}{write('other', other)}".encode()
    assert read(text, BOUNDS) == Manifest(CommitSettings(port=1), {"one": one, "other": other})
    assert codec.decode(JobSettings, 1, codec.encode(one, 1)) == one


def write(name: str, job: JobSettings) -> str:
    """Return a job's table in TOML, with every key that it may have beside the others."""
    keys: dict[str, Any] = dataclasses.asdict(job)
    schedule = keys.pop("schedule")
    if schedule is not None:
        keys.update(schedule, schedule=schedule["cron"])
        if not schedule["cron"]:
            del keys["zone"]
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False, default=lambda one: one.value)}"
        for key, value in keys.items()
        if key in Job.model_fields and value not in (None, "", ()) and (key, value) != ("every", 0)
    ]
    return "\n".join([f"[jobs.{name}]", *lines, ""])


VALUES = st.sampled_from(
    [
        "1",
        "75",
        "0.5",
        "3600",
        "true",
        "'x'",
        "'skip'",
        "'all'",
        "['x']",
        "[1]",
        "'* * * * *'",
        "{}",
    ]
)
NAMES = st.sampled_from(["a", "b-1", "A", '""', '"[key]"', "command", "'jobs.x'", "jobs"])
TABLES = st.dictionaries(
    NAMES, st.dictionaries(st.sampled_from([*Job.model_fields, "x", '"[key]"']), VALUES, max_size=5)
)


@given(TABLES)
def test_every_mistake_is_at_the_line_of_its_key(tables: dict[str, dict[str, str]]) -> None:
    text = "".join(
        f"[jobs.{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for name, keys in tables.items()
    )
    lines = text.splitlines()
    for line, message in find_mistakes(text):
        at = lines[line - 1]
        if at.startswith("[jobs."):
            assert "is missing" in message or "is not a name" in message
        else:
            key = message.replace(",", " ").split()[0].rpartition(".")[2]
            assert at.startswith((f"{key} = ", f'"{key}" = '))


def find_mistakes(text: str) -> list[tuple[int, str]]:
    """Return the mistakes of a file, each with its line; none if it is accepted."""
    try:
        read(text.encode(), BOUNDS)
    except InvalidManifest as error:
        return [(one.line, one.message) for one in error.mistakes]
    return []


def mistakes(text: str) -> list[tuple[int, str]]:
    """Return the mistakes of a file that has some."""
    found = find_mistakes(text)
    assert found
    return found
