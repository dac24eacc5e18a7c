"""Judges the values that checks have collected. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from cli.client.generated.records import App, Gate, MesosAgent, Preview, Pulls, Queued, Unfit
from cli.client.instances import find_commit
from cli.display.sentences import counted, duration, failure, shortened, title
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from program.git.addresses import leads_here, read_address
from program.http.public_suffixes import find_reach, is_within

CLOCK_SECONDS = 5.0
"""The tolerance for clocks: answers carry whole seconds, and take a moment."""
QUEUE_SECONDS = 120.0
LOCAL = "local-repositories"
"""The framework's check for repositories on its own machine where none are allowed."""
SIGNATURES = "signatures"
"""The framework's check of the signatures of records."""

_MOST = 5
_MOST_AGENTS = 20
_DOMAIN_DOCS = "docs/operating/tls.md, The domain"

_STEPS = {
    "service": "Read the framework's log (`prevs local logs framework`), and restart it.",
    "zookeeper": "Check that ZooKeeper runs, and that the framework can reach it (PREVS_ZOOKEEPER; "
    "`prevs local logs zookeeper`).",
    "mesos": "Check that the Mesos master runs, and that the framework can reach it and may "
    "subscribe (PREVS_MASTER, PREVS_ROLE, PREVS_PRINCIPAL; `prevs local logs master`).",
    "proxies": "Create a token and an identity that only proxies use. Name their files in the "
    "frameworks' PREVS_PROXY_TOKEN_FILE and PREVS_PROXY_ZOOKEEPER_AUTH_FILE, then in the proxies' "
    "PREVS_TOKEN_FILE and PREVS_ZOOKEEPER_AUTH_FILE (docs/operating/tokens.md, zookeeper.md).",
    "zookeeper-access": "docs/operating/zookeeper.md shows how to close it.",
    "mesos-access": "docs/operating/tls.md shows how frameworks authenticate with Mesos.",
    "signatures": "docs/operating/tokens.md shows how to change the proxies' token.",
    "leader": "Check that one framework leads, and that the others can reach its PREVS_ADVERTISE.",
}


def judge_probe(part: str, probe: Mapping[str, Any], status: int) -> list[Finding]:
    """Return the findings in the answer of a framework's /readyz."""
    checks = probe.get("checks", [])
    other = probe.get("leader") or "another one"
    role = {"leader": "It leads", "standby": f"It stands by for {other}"}.get(
        str(probe.get("role")), "It answers"
    )
    bad = [
        (wrong if one["needed"] else warning)(
            f"{part}: {one['name']}", one["detail"], _STEPS.get(one["name"], _STEPS["service"])
        )
        for one in checks
        if not one["ok"] and one["name"] != LOCAL
    ]
    if bad:
        return bad
    if status != 200:
        return [wrong(part, str(probe.get("detail", f"It answers {status}.")), _STEPS["service"])]
    names = [str(one["name"]) for one in checks if one["ok"]]
    told = [
        ok(f"{part}: {SIGNATURES}", str(one["detail"]))
        for one in checks
        if one["name"] == SIGNATURES
    ]
    working = f"; {', '.join(names)}: ok." if names else "."
    return [ok(part, role + working), *told]


def judge_version(part: str, theirs: str | None, ours: str) -> list[Finding]:
    """Return whether framework and command have the same version; nothing if it is unknown."""
    if theirs is None:
        return []
    if theirs == ours:
        return [ok(f"{part}: version", f"The framework and this command have version {ours}.")]
    message = f"The framework has version {theirs}, this command has {ours}."
    return [warning(f"{part}: version", message, "Install the same version of both.")]


def judge_clock(part: str, seconds: float | None) -> list[Finding]:
    """Return whether the framework's clock, `seconds` ahead of ours, is right; None: unknown."""
    if seconds is None:
        return []
    if abs(seconds) <= CLOCK_SECONDS:
        return [ok(f"{part}: clock", "The framework's clock agrees with this one.")]
    way = "ahead of" if seconds > 0 else "behind"
    message = f"The framework's clock is {duration(round(abs(seconds)))} {way} this one."
    advice = "Let NTP set both: the times that commands show are wrong by this much."
    return [warning(f"{part}: clock", message, advice)]


def judge_agents(agents: Sequence[MesosAgent], apps: Sequence[App]) -> list[Finding]:
    """Return whether agents accept new previews and have room for the smallest app."""
    active = [agent for agent in agents if agent["active"] and not agent["draining"]]
    if not active:
        have = "No agent of the cluster is active" if agents else "The cluster has no agent"
        advice = "Start one, or find out why it is away (`prevs agents`; `prevs local status`)."
        return [wrong("agents", f"{have}, so nothing can start.", advice)]
    found = [*_judge_absent(agents), *_judge_room(active, apps)]
    return found or [ok("agents", f"{counted(active, 'agent has', 'agents have')} room.")]


def _judge_absent(agents: Sequence[MesosAgent]) -> list[Finding]:
    """Return the agents that accept no new previews, by reason."""
    found: list[Finding] = []
    if away := [agent["host"] for agent in agents if not agent["active"]]:
        message = f"These do not answer the master: {_join(away)}."
        advice = "Read their logs to find out why (`prevs local logs agent-1`)."
        found.append(warning("agents", message, advice))
    found += [_judge_unfit(agent, one) for agent in agents if (one := agent.get("unfit"))]
    if drained := [agent["host"] for agent in agents if agent["draining"]]:
        message = f"These are draining: {_join(drained)}. Previews there end, and none start."
        found.append(warning("agents", message, "Reactivate them when they are drained."))
    if planned := [agent["host"] for agent in agents if agent["maintenance"] is not None]:
        message = f"Maintenance is planned: {_join(planned)}. New previews start elsewhere."
        found.append(warning("agents", message, "Do nothing: their previews move in time."))
    return found


def _judge_room(active: Sequence[MesosAgent], apps: Sequence[App]) -> list[Finding]:
    smallest = min(apps, key=lambda app: (app["mem"], app["cpus"]), default=None)
    if smallest is None or any(_fits(agent, smallest) for agent in active):
        return []
    message = (
        f"No agent has room for {smallest['name']}, the smallest app "
        f"({smallest['cpus']:g} CPUs, {smallest['mem']} MB)."
    )
    advice = "Add agents, or wait: idle previews make room when another one starts."
    return [warning("capacity", message, advice)]


def _judge_unfit(agent: MesosAgent, unfit: Unfit) -> Finding:
    message = f"{agent['host']} is unfit, so others are tried first: {unfit['reason']}"
    advice = "Run `executor.pyz doctor` on it. The framework tries it again within minutes."
    return warning("agents", message, advice)


def describe_agents(agents: Sequence[MesosAgent]) -> list[Finding]:
    """Return a description of each of the first agents that accept new previews."""
    active = [agent for agent in agents if agent["active"] and not agent["draining"]]
    return [ok(f"agent {agent['host']}", _describe(agent)) for agent in active[:_MOST_AGENTS]]


def lead_to_machines(api: str) -> Finding:
    """Return how to check the agents' machines, which only works on them."""
    file = f"{api}/v1/executor/latest.pyz"
    return skipped(
        "agents' machines",
        "Not checked from here. Run on each, as the user and with the environment of its "
        f"executors: `curl -fsSL -o executor.pyz {file} && python3 executor.pyz doctor "
        f"--framework {api}`.",
    )


def _describe(agent: MesosAgent) -> str:
    total, used = agent["total"], agent["used"]
    return (
        f"{counted(agent['previews'], 'preview', 'previews')}; "
        f"{max(0.0, total['cpus'] - used['cpus']):g} of {total['cpus']:g} CPUs and "
        f"{max(0, total['mem'] - used['mem']):g} of {total['mem']:g} MB are free."
    )


def judge_local(apps: Iterable[App]) -> list[Finding]:
    """Return the apps with a repository on the framework's machine, where none are allowed."""
    read = ((app["name"], read_address(app["repository"])) for app in apps)
    names = [name for name, address in read if address is not None and leads_here(address)]
    if not names:
        return []
    message = f"These are on the framework's machine, where no new ones may be: {_join(names)}."
    advice = (
        "They can still be read. Give them addresses on another machine, or set "
        "PREVS_LOCAL_REPOSITORIES=yes for the frameworks."
    )
    return [warning("local repositories", message, advice)]


def judge_queue(queue: Iterable[Queued], now: float) -> list[Finding]:
    """Return the previews that have waited for long, each with its reason."""
    waiting = list(queue)
    long = [one for one in waiting if now - one["since"] > QUEUE_SECONDS]
    if not long:
        message = f"{counted(waiting, 'preview waits', 'previews wait')}, none for long."
        return [ok("queue", message if waiting else "No preview waits.")]
    found = []
    for one in long[:_MOST]:
        waits = duration(int(now - one["since"]) // 60 * 60)
        message = f"{one['app']}@{one['label'] or find_commit(one)[:7]} has waited for {waits}"
        reason = f": {one['reason']}" if one["reason"] else "."
        found.append(warning("queue", message + reason, "`prevs queue` lists what waits and why."))
    return found


def judge_failed(failed: Sequence[Preview]) -> list[Finding]:
    """Return which previews have failed, the latest first."""
    if not failed:
        return [ok("previews", "No preview has failed.")]
    latest = sorted(failed, key=lambda one: -one["changed"])
    message = "; ".join(f"{title(one)} {shortened(failure(one), 100)}" for one in latest[:_MOST])
    more = f", and {len(failed) - _MOST} more" if len(failed) > _MOST else ""
    label = (latest[0]["labels"] or [find_commit(latest[0])[:7]])[-1]
    advice = f"`prevs logs {latest[0]['app']} {label}` shows why; `prevs retry` tries again."
    return [warning("previews", f"{message}{more}", advice)]


def judge_unknown(part: str, status: int, content: Any) -> Finding:
    """Return whether the answer at an address of an app that does not exist is a proxy's."""
    kind = content.get("type", "") if isinstance(content, Mapping) else ""
    if status == 404 and kind == "urn:prevs:problem:unknown-app":
        return ok(part, "A proxy answers, and reaches the framework.")
    if str(kind).startswith("urn:prevs:problem:") or status == 503:
        detail = content.get("detail", "") if isinstance(content, Mapping) else ""
        message = f"A proxy answers, but it cannot reach the framework: {detail or status}"
        return wrong(part, message, "Check its PREVS_API and PREVS_TOKEN_FILE, and read its log.")
    message = f"The server that answers ({status}) is not a proxy of prevs."
    return wrong(part, message, "Point the DNS name and the port to the machines of the proxies.")


def judge_domain(domain: str, apis: Sequence[str]) -> Finding:
    """Return which sites get cookies of previews below a domain; `apis` are URLs of frameworks."""
    reach = find_reach(domain)
    if reach is None:
        return ok(
            "cookies", f"Below {domain}, each app's previews get only the cookies of that app."
        )
    hosts = [urlsplit(api).hostname or "" for api in apis]
    named = f"The scripts of a preview can set cookies for {reach}."
    if ours := [host for host in hosts if is_within(host, reach)]:
        message = f"{named} All previews and the dashboard ({ours[0]}) get them."
    elif reach != domain:
        message = f"{named} All previews and other sites of {reach} get them."
    else:
        message = f"{named} All other previews get them."
        advice = f"Have {domain} put on the public suffix list ({_DOMAIN_DOCS})."
        return warning("cookies", message, advice)
    advice = (
        "Give previews a domain of their own that is not below another site of yours "
        f"(PREVS_DOMAIN), and have it put on the public suffix list ({_DOMAIN_DOCS})."
    )
    return warning("cookies", message, advice)


def list_followed(apps: Sequence[App]) -> list[str]:
    """Return the names of the apps whose pull requests are followed."""
    return [app["name"] for app in apps if app.get("pulls_followed", "off") != "off"]


def judge_forge(app: str, listed: Pulls) -> list[Finding]:
    """Return what is wrong at an app's forge; `listed` is what the API says with its pulls."""
    part, advice = f"forge of {app}", f"`prevs forge check {app}` checks each part of the way."
    found = []
    if why := str(listed.get("problem") or ""):
        found.append(warning(part, f"Its pull requests are not followed now. {why}", advice))
    if why := str(listed.get("delivery_problem") or ""):
        found.append(warning(part, f"Something cannot be said there now. {why}", advice))
    return found


def describe_forges(count: int) -> Finding:
    """Return that nothing is wrong at the forges of so many apps."""
    whose = "the app that follows" if count == 1 else f"the {count} apps that follow"
    return ok("forges", f"The framework can read those of {whose} pull requests.")


def judge_gates(gates: Sequence[Gate]) -> list[Finding]:
    """Return what is wrong with gates, or that nothing is; nothing if there are none."""
    found = [finding for gate in gates for finding in _judge_gate(gate)]
    if found or not gates:
        return found
    return [ok("gates", f"{counted(gates, 'gate is', 'gates are')} in force at all proxies.")]


def _judge_gate(gate: Gate) -> list[Finding]:
    part, name, proposal = f"gate {gate['name']}", gate["name"], gate["proposal"]
    found = []
    if proposal is not None and proposal["failure"]:
        message = f"Revision {proposal['revision']} is not in force. {proposal['failure']}"
        up = f"prevs gate {'rollback' if gate['revision'] else 'rm'} {name}"
        found.append(warning(part, message, f"Write a new change, or give this one up: `{up}`."))
    if gate["behind"]:
        message = f"{gate['behind']} of the proxies do not choose by revision {gate['revision']}."
        advice = "Read their logs."
        found.append(warning(part, message, advice))
    return found


def _fits(agent: MesosAgent, app: App) -> bool:
    total, used = agent["total"], agent["used"]
    return (
        total["cpus"] - used["cpus"] >= app["cpus"] - 1e-9
        and total["mem"] - used["mem"] >= app["mem"]
    )


def _join(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST])
    return f"{shown} and {len(names) - _MOST} more" if len(names) > _MOST else shown
