"""The bytes of every record and message, from 0.1.0 on (docs/stable.md).

tests/data/records/v1/<name>.json is what is written today: a change that breaks one of these
needs a new version, a folder for it, and a reader for v1. <name>.least.json has the required
fields only: it must stay readable. A new field is added to the first, with another value than its
default.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prevs.access import Access, AccessRecord
from prevs.gates import ConditionKind, GateRecord, Override, Sticky
from prevs.jobs import EndedJobsRecord, JobRecord, JobState, PayloadRecord, ResultRecord
from prevs.messages import BuildOrder, KnownProxies, TaskReport
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import (
    AgentsRecord,
    AppRecord,
    InstallationRecord,
    LeaderRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    RecordError,
    SecretsRecord,
    TokenRecord,
)
from prevs.roles import RoleRecord
from prevs.schedules import Missed, Overlap, ScheduleRecord
from prevs.stacks import StackRecord
from prevs.states import Cause, Phase, State

FOLDER = Path(__file__).parents[2] / "data" / "records" / "v1"
KINDS: Mapping[str, Any] = {
    "access": AccessRecord,
    "agents": AgentsRecord,
    "app": AppRecord,
    "build_order": BuildOrder,
    "ended_jobs": EndedJobsRecord,
    "gate": GateRecord,
    "installation": InstallationRecord,
    "job": JobRecord,
    "known_proxies": KnownProxies,
    "leader": LeaderRecord,
    "payload": PayloadRecord,
    "placements": PlacementsRecord,
    "preview": PreviewRecord,
    "preview_instance": PreviewRecord,
    "preview_stranger": PreviewRecord,
    "proxy": ProxyRecord,
    "pull": PullRecord,
    "repository": RepositoryRecord,
    "result": ResultRecord,
    "role": RoleRecord,
    "role_person": RoleRecord,
    "schedule": ScheduleRecord,
    "schedule_command": ScheduleRecord,
    "secrets": SecretsRecord,
    "stack": StackRecord,
    "task_report": TaskReport,
    "token": TokenRecord,
}
WRITTEN = sorted(path.stem for path in FOLDER.glob("*.json") if ".least" not in path.name)
LEAST = sorted(path.stem.partition(".")[0] for path in FOLDER.glob("*.least.json"))
MISSING = dataclasses.MISSING


def read(name: str, part: str = "") -> Any:
    return KINDS[name].decode((FOLDER / f"{name}{part}.json").read_bytes())


def find_default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is MISSING else made()


def list_parts(value: Any) -> Iterator[Any]:
    """Yield all dataclass instances in a value, itself among them."""
    if dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from list_parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from list_parts(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from list_parts(one)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_record_is_written_with_the_pinned_bytes_and_still_read(name: str) -> None:
    written = (FOLDER / f"{name}.json").read_bytes()
    assert KINDS[name].decode(written).encode() == written


def test_each_field_is_pinned_with_another_value_than_its_default() -> None:
    """So that no byte of a file could come from a default while the field is not read."""
    left: dict[Any, set[str]] = {}
    for record in map(read, WRITTEN):
        for part in list_parts(record):
            same = {
                field.name
                for field in dataclasses.fields(part)
                if getattr(part, field.name) == find_default(field)
            }
            left[type(part)] = left.get(type(part), same) & same
    assert {kind.__name__: names for kind, names in left.items() if names} == {}


@pytest.mark.parametrize("name", LEAST)
def test_the_required_fields_are_still_enough(name: str) -> None:
    record = read(name, ".least")
    given = json.loads((FOLDER / f"{name}.least.json").read_bytes())
    for field in dataclasses.fields(record):
        assert (field.name in given) == (find_default(field) is MISSING), field.name
        if field.name not in given:
            assert getattr(record, field.name) == find_default(field)


def test_an_older_version_does_not_read_who_may_look_in_a_way_that_it_does_not_know() -> None:
    """Its proxies then let nobody in."""
    data = (FOLDER / "access.json").read_bytes().replace(b'"password"', b'"team-of-later"')
    with pytest.raises(RecordError):
        AccessRecord.decode(data)


def test_an_unknown_cause_leaves_the_record_readable() -> None:
    data = (FOLDER / "preview.json").read_bytes().replace(b"build-failed", b"of-a-later-version")
    failure = PreviewRecord.decode(data).failure
    shown = failure and (failure.cause, failure.message)
    assert shown == (Cause.EXECUTOR_FAILED, "RUN exited with 7.")


@pytest.mark.parametrize("value", [b"7", b"null", b"true"])
def test_an_invalid_cause_is_refused(value: bytes) -> None:
    data = (FOLDER / "preview.json").read_bytes().replace(b'"build-failed"', value)
    with pytest.raises(RecordError):
        PreviewRecord.decode(data)


def test_every_pinned_file_is_tested() -> None:
    assert set(WRITTEN) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (State, "queued placed building starting running draining stopped failed"),
        (Access, "public password team"),
        (Overlap, "skip queue replace allow"),
        (Missed, "last none all"),
        (ConditionKind, "method accept header cookie query"),
        (Override, "header query cookie"),
        (Sticky, "address cookie"),
        (Phase, "fetching building starting checking running ended"),
        (
            Cause,
            "repository-unreachable commit-missing dockerfile-missing build-failed start-failed "
            "app-exited never-listened unhealthy out-of-memory docker-unavailable task-lost "
            "task-rejected executor-failed settings-invalid hook-failed disk-full "
            "commit-too-large agent-unfit registry-unreachable agent-open timed-out expired "
            "result-unusable companion-failed preview-stopped",
        ),
        (JobState, "queued placed building running ending succeeded failed cancelled"),
    ],
)
def test_no_word_that_was_ever_stored_is_removed(kind: Any, values: str) -> None:
    assert set(values.split()) <= {member.value for member in kind}
