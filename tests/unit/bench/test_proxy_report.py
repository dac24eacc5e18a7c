"""The results of bench/proxy."""

from bench.proxy import report, rounds
from bench.proxy.held import Held
from bench.proxy.load import Answered
from bench.proxy.report import Outcome
from bench.proxy.rounds import NAMES, OURS_LARGE, OURS_SMALL, Found

PLAIN = Answered(rate=1000.0, p50_us=500.0, p99_us=2000.0, cpu_us=20.0, errors=0)
KINDS = ("64", "1", "4k", "1m", "upload", "messages")


def round_with(**rates: float) -> Found:
    """Return a round with equal values, except for some by the prefix of their names."""

    def answered(name: str) -> Answered:
        changed = [rate for begin, rate in rates.items() if name.startswith(begin)]
        return PLAIN._replace(rate=changed[0]) if changed else PLAIN

    found = {name: dict.fromkeys(KINDS, answered(name)) for name in NAMES}
    found[OURS_LARGE]["spread"] = PLAIN
    return found


def outcome(found: Found) -> Outcome:
    moves = {10: [0.004, 0.005, 0.03], 100_000: [0.008, 0.021, 0.09]}
    held = {10: Held(10.0, 2.25, 150.0, 0.4), 1000: Held(10.0, 9.0, 300.0, 0.5)}
    return Outcome(found, moves, held)


def test_every_other_round_goes_the_other_way_round() -> None:
    assert rounds.order(1) == NAMES
    assert list(rounds.order(2)) == list(reversed(NAMES))
    assert rounds.order(3) == NAMES


def test_the_middle_round_counts_and_errors_of_every_round_do() -> None:
    found = [round_with(Caddy=1.0), round_with(Caddy=70.0), round_with(Caddy=3.0)]
    bad = PLAIN._replace(errors=2)
    found = [{**each, "Envoy": dict.fromkeys(KINDS, bad)} for each in found]
    middle = rounds.medians(found)
    assert middle["Caddy"]["64"].rate == 3.0
    assert middle["Envoy"]["1m"].errors == 6
    assert set(middle[OURS_LARGE]) == {*KINDS, "spread"}


def test_the_figures_are_those_of_every_proxy_and_of_the_changes_of_many() -> None:
    found = report.figures(outcome(round_with()))
    assert set(found) == {"rps", "p99_us", "propagation_ms_p50", "propagation_ms_max", "held_kb"}
    for figure in ("rps", "p99_us"):
        by_proxy = found[figure]
        assert isinstance(by_proxy, dict)
        assert set(by_proxy) == set(NAMES)
    assert (found["propagation_ms_p50"], found["propagation_ms_max"]) == (21.0, 90.0)
    assert found["held_kb"] == 12.25


def test_an_aim_is_met_from_its_limit_upwards() -> None:
    aims = {a.name: a for a in report.aims(outcome(round_with(Traefik=400.0, Caddy=401.0)))}
    assert aims["requests/s against HAProxy, static"].met
    assert aims["requests/s against Traefik"].met
    assert not aims["requests/s against Caddy"].met
    assert aims["p99 against Caddy"].met
    assert aims["median change of 10 placements"].found == "5.00 ms"
    assert not aims["median change of 100,000 placements"].met
    assert aims["a held request"].met


def test_fewer_proxies_have_fewer_aims() -> None:
    few = {name: loads for name, loads in round_with().items() if name.startswith("HAProxy, s")}
    few[OURS_SMALL] = dict.fromkeys(KINDS, PLAIN)
    found = report.aims(outcome(few))
    assert [aim.name for aim in found if "against" in aim.name] == [
        "requests/s against HAProxy, static"
    ]
    assert report.lines(outcome(few))


def test_every_measurement_is_in_the_tables() -> None:
    lines = report.lines(outcome(round_with()))
    for name in (*NAMES, f"**{OURS_SMALL}**", f"**{OURS_LARGE}**, to all of them"):
        assert any(name in line for line in lines), name
    assert any("100,000" in line and "21.0" in line and "90.0" in line for line in lines)
    uploads = lines.index("Uploads of 1 MB over 16 connections, read whole by the backend:")
    assert "1,000" in lines[uploads + 4]
    assert any("1,000" in line and "19.0" in line and "300" in line for line in lines)
