"""Judges what previews and builds on agents can reach, from the reports of executors. Pure."""

from collections.abc import Iterator, Sequence

from cli.client.generated.records import Isolation, MesosAgent
from cli.doctor.findings import Finding, ok, skipped, warning, wrong

_MOST = 5
_DOCS = "docs/operating/isolation.md"


def judge_isolation(agents: Sequence[MesosAgent]) -> list[Finding]:
    """Return what is open on active agents; agents with equal reports share a finding."""
    there = [agent for agent in agents if agent["active"]]
    alike: list[tuple[Isolation, list[str]]] = []
    unknown = []
    for agent in there:
        isolation = agent.get("isolation")
        if isolation is None:
            unknown.append(agent["host"])
            continue
        hosts = next((hosts for one, hosts in alike if one == isolation), None)
        if hosts is None:
            alike.append((isolation, [agent["host"]]))
        else:
            hosts.append(agent["host"])
    found = [finding for isolation, hosts in alike for finding in _judge(isolation, _join(hosts))]
    if unknown:
        message = (
            f"The isolation of {_join(unknown)} is unknown: nothing has started there since this "
            "framework began to lead. `executor.pyz doctor` on the agent checks it."
        )
        found.append(skipped("isolation", message))
    return found


def _judge(isolation: Isolation, hosts: str) -> Iterator[Finding]:
    part = f"isolation at {hosts}"
    yield _judge_previews(isolation, part)
    if isolation.get("ports_open") and not isolation["open"]:
        yield warning(
            part,
            f"Others than proxies may connect to previews: {isolation['ports_open']}.",
            "Start a preview there once all proxies run; if it stays so, see "
            "docs/operating/access.md.",
        )
    yield from _judge_builds(isolation, part)


def _judge_previews(isolation: Isolation, part: str) -> Finding:
    if isolation["open"]:
        message = f"Previews can reach the agent and each other: {isolation['open']}."
        advice = (
            "Install iptables and ebtables, and run executors as root or let them run both by "
            f"sudo without a password ({_DOCS})."
        )
        if isolation["required"]:
            return wrong(
                part, f"{message} PREVS_ISOLATION is required, so nothing starts there.", advice
            )
        return warning(
            part, message, f"{advice} With PREVS_ISOLATION=required nothing starts without it."
        )
    reach = "Previews reach no private network (PREVS_ALLOW)"
    if isolation["allowed"]:
        reach = f"Previews reach the private networks {', '.join(isolation['allowed'])}"
        reach = f"{reach} (PREVS_ALLOW)"
    mode = "required" if isolation["required"] else "wanted"
    unchecked = "" if isolation["open"] is not None else " This has not been checked yet."
    return ok(part, f"{reach}; PREVS_ISOLATION is {mode}.{unchecked}")


def _judge_builds(isolation: Isolation, part: str) -> Iterator[Finding]:
    if not isolation["builds"]:
        yield warning(
            part,
            "RUN steps of builds can reach the agent and private networks.",
            "Remove PREVS_ISOLATION_BUILDS=no if nobody else uses Docker's bridge.",
        )
    elif isolation["builds_open"]:
        yield warning(
            part,
            "RUN steps of builds can reach the agent and private networks: "
            f"{isolation['builds_open']}.",
            f"Set up for builds what previews need, too ({_DOCS}).",
        )
    if isolation["fetches"]:
        yield warning(
            part,
            "ADD fetches addresses from the agent's own network.",
            "Remove PREVS_BUILD_ADD=allowed.",
        )
    if isolation["builds_unlimited"]:
        yield warning(
            part,
            "RUN steps of builds can use all memory and all processes: "
            f"{isolation['builds_unlimited']}.",
            "Run executors as root, or start provision/systemd/prevsbuilds.slice there, or set "
            "PREVS_BUILD_CGROUP to a control group with limits.",
        )
    if isolation.get("builds_privileged"):
        yield warning(
            part,
            f"RUN steps of builds have {isolation['builds_privileged']}.",
            f"Have Docker start them with fewer capabilities ({_DOCS}, What a step may do).",
        )


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST])
    return f"{shown} and {len(names) - _MOST} more" if len(names) > _MOST else shown
