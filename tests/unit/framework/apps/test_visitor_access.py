"""Decisions about who may look: any order of changes keeps the promises about eras and passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps import visitor_access
from framework.apps.access_errors import IsPublic, PassExists
from framework.apps.pass_texts import PassWriter
from framework.apps.visitor_access import DAY, MACHINE, MOST_DAYS, MOST_PASSES, SHARE, PassOrder
from framework.errors import InvalidSettings
from prevs import names
from prevs.access import Access, AccessRecord, IssuedPass
from prevs.names import Addresses
from program.passes.passes import Pass, read_pass

OPEN = AccessRecord("shop")
CLOSED = AccessRecord("shop", Access.PASSWORD, 7)
KEY = "5c80e7d1" * 8

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["password", "same", "team", "end", "public", "pass"]), st.floats(0.001, 2)
    )
)


@given(STEPS)
def test_no_pass_counts_after_a_change_that_puts_everybody_out(
    steps: list[tuple[str, float]],
) -> None:
    """A pass counts in its own era alone, also if the app is opened and closed again."""
    record, now, eras = OPEN, 1_764_000_000.0, {0}
    for number, (step, seconds) in enumerate(steps):
        now += seconds
        before = record
        try:
            record = take_step(record, step, now, f"id{number}")
        except IsPublic:
            assert before.access is Access.PUBLIC
            continue
        stays = {"same": Access.PASSWORD, "team": Access.TEAM}.get(step) is before.access
        if step == "pass" or stays:
            assert record.era == before.era
        elif step != "public":
            assert (record.passes, record.era in eras) == ({}, False)
            eras.add(record.era)


def take_step(record: AccessRecord, step: str, now: float, new_id: str) -> AccessRecord:
    if step == "public":
        return OPEN
    if step == "end":
        return visitor_access.begin_era(record, now)
    if step == "pass":
        order = PassOrder("", MACHINE, 1)
        return visitor_access.with_pass(record, order, new_id, by="ci", now=now)
    if step == "team":
        return visitor_access.close(record, Access.TEAM, now)
    is_new = step == "password"
    return visitor_access.close(record, Access.PASSWORD, now, is_new=is_new)


def test_an_era_is_new_even_if_the_clock_went_back() -> None:
    assert visitor_access.new_era(7, 0.003) == 8
    assert visitor_access.new_era(7, 1_764_000_000.25) == 1_764_000_000_250


@given(st.floats(), st.sampled_from([SHARE, MACHINE]), st.sampled_from(["", "main"]))
def test_a_pass_has_a_bounded_life_and_a_link_a_label(days: float, kind: str, label: str) -> None:
    order = PassOrder("demo", kind, days, label)
    is_valid = 0 < days <= MOST_DAYS[kind] and (kind == MACHINE or label != "")
    try:
        record = visitor_access.with_pass(CLOSED, order, "id1", by="ci", now=100.0)
    except InvalidSettings:
        assert not is_valid
    else:
        assert is_valid
        until = 100.0 + days * DAY
        assert record.passes == {"id1": IssuedPass("demo", kind, until, label, "ci", 100.0)}


def test_ended_passes_make_room_for_names_and_numbers() -> None:
    full = CLOSED
    for number in range(MOST_PASSES):
        order = PassOrder(f"p{number}", MACHINE, 1)
        full = visitor_access.with_pass(full, order, f"id{number}", by="ci", now=0.0)
    again = PassOrder("p0", MACHINE, 1)
    with pytest.raises(PassExists):
        visitor_access.with_pass(full, again, "new", by="ci", now=0.0)
    with pytest.raises(InvalidSettings, match="at most"):
        visitor_access.with_pass(full, PassOrder("", MACHINE, 1), "new", by="ci", now=0.0)
    assert visitor_access.list_passes(full, DAY) == {}
    later = visitor_access.with_pass(full, again, "new", by="ci", now=DAY)
    assert list(later.passes) == ["new"]


@given(st.from_regex(names.DNS_LABEL, fullmatch=True))
def test_a_link_leads_to_the_host_that_its_pass_names(label: str) -> None:
    """HAProxy compares the dotted form, also if the address has the flat one and is cut."""
    issued = IssuedPass("demo", SHARE, 4e9, label)
    record = AccessRecord("shop", Access.PASSWORD, 7, {"id1": issued})
    for form in ("https://{label}--{app}.Prevs.example/", "http://{label}.{app}.Prevs.example/"):
        writer = PassWriter(KEY, "Prevs.example", Addresses(form))
        text = writer.write(record, "id1")
        link = writer.link("shop", issued, text)
        base, _, carried = link.partition("/_prevs/enter?pass=")
        read = names.split_host(base.partition("//")[2], "prevs.example")
        assert read is not None
        expected = Pass("shop", names.host(*read, "prevs.example"), 7, 4e9, "id1")
        assert (read_pass([KEY], carried), writer.is_safe) == (expected, form.startswith("https"))
    assert KEY not in repr(writer)
