"""What goes with an app, in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps.app_secrets import AppSecrets, Variable
from framework.errors import UnknownApp
from framework.service.belongings import find_belongings
from framework.state.secret_records import StoredSecrets
from framework.state.snapshot import Snapshot
from framework.trust import RecordKind, Refused
from prevs.access import Access, AccessRecord, IssuedPass
from prevs.gates import GateRecord, Revision
from prevs.job_settings import JobSettings
from prevs.jobs import ENDED, JobRecord, JobState
from prevs.records import AppRecord, PreviewRecord, SecretsRecord, TokenRecord
from prevs.roles import RoleRecord
from prevs.schedules import ScheduleRecord
from prevs.stacks import Member, StackRecord
from prevs.states import State
from prevs.units import preview_unit

TERMS = JobSettings(("true",), 60)
NOTHING = Snapshot({name: AppRecord(name, "/srv/x") for name in ("shop", "other")}, {})


def put_previews(*states: State, app: str = "shop") -> Snapshot:
    previews = [PreviewRecord(app, f"{n:040x}", state) for n, state in enumerate(states)]
    return NOTHING._replace(previews={preview_unit(app, one.sha): one for one in previews})


def test_an_app_without_anything_takes_nothing_with_it() -> None:
    assert find_belongings(NOTHING, "shop", 0.0) == ("", [])
    with pytest.raises(UnknownApp):
        find_belongings(NOTHING, "gone", 0.0)


def test_everything_of_an_app_is_named() -> None:
    passes = {"a": IssuedPass("a", "share", 10.0, "main"), "b": IssuedPass("b", "share", 1.0, "")}
    variables = {"KEY": Variable("x", True, 1.0)}
    roles = RoleRecord("use", group="devs", app="shop")
    secrets = AppSecrets("shop", variables, forge_token="t")
    snapshot = put_previews(State.RUNNING, State.STOPPED)._replace(
        gates={"api": GateRecord("api", "shop", Revision(1, ()))},
        refused={(RecordKind.GATE, "web"): Refused(RecordKind.GATE, "web", "shop")},
        schedules={("shop", "nightly"): ScheduleRecord("shop", "nightly", "main")},
        secrets={"shop": StoredSecrets(SecretsRecord("shop", ""), secrets, "")},
        access={"shop": AccessRecord("shop", Access.PASSWORD, 1, passes)},
        tokens={"ci": TokenRecord("ci", "digest", "use", app="shop")},
        roles={roles.id: roles},
    )
    assert find_belongings(snapshot, "shop", 5.0).sentence == (
        "This also removes 2 previews (1 running), the schedule nightly, the gates api and web, "
        "1 variable, the token for its forge, 1 pass, the token ci and 1 role."
    )
    assert find_belongings(snapshot, "other", 5.0).sentence == ""


def test_secrets_that_cannot_be_opened_go_too() -> None:
    sealed = StoredSecrets(SecretsRecord("shop", "x"), AppSecrets("shop"), "no key opens them")
    snapshot = NOTHING._replace(secrets={"shop": sealed})
    said = find_belongings(snapshot, "shop", 0.0).sentence
    assert said == "This also removes its variables and secrets."


def test_the_stacks_that_keep_an_app_are_named() -> None:
    stack = StackRecord("all", "web", {"web": Member("shop", "main")})
    assert find_belongings(NOTHING._replace(stacks={"all": stack}), "shop", 0.0).stacks == ["all"]


@given(st.lists(st.sampled_from(State)), st.lists(st.sampled_from(JobState)), st.integers(0, 9))
def test_what_has_ended_and_what_is_another_apps_is_not_counted_as_running(
    states: list[State], job_states: list[JobState], gates: int
) -> None:
    jobs = {
        ("shop", f"{n}"): JobRecord("shop", f"{n}", "a" * 40, "main", TERMS, state)
        for n, state in enumerate(job_states)
    }
    named = {f"g{n}": GateRecord(f"g{n}", "shop", Revision(1, ())) for n in range(gates)}
    snapshot = put_previews(*states)._replace(jobs=jobs, gates=named)
    said = find_belongings(snapshot, "shop", 0.0).sentence
    running = states.count(State.RUNNING)
    assert (f"({running} running)" in said) == (running > 0)
    assert (f"{len(states)} preview" in said) == bool(states)
    unended = sum(state not in ENDED for state in job_states)
    assert ("not ended" in said) == bool(unended)
    assert all(name in said for name in named) if gates <= 3 else f"{gates} gates" in said
    assert find_belongings(snapshot, "other", 0.0).sentence == ""
