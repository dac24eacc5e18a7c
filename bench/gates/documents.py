"""The rules as Envoy, Traefik and Caddy read them: JSON, which to Traefik is YAML."""

from collections.abc import Mapping, Sequence

from bench.gates.rules import LABELS, WEIGHT, Kind, Lead, Rules, second

Document = Mapping[str, object]
_NUMBERS = range(LABELS)


def name_target(lead: Lead) -> str:
    """Return the name of what a rule leads to: a label, or two of them by weight."""
    return f"{'v' if lead.other is None else 'w'}{lead.label}"


def envoy(rules: Rules) -> Document:
    """Return Envoy's routes: of a host the first one that fits counts."""
    hosts = []
    for gate in range(rules.gates):
        leads = rules.of(gate)
        routes = [{"match": _envoy_match(lead), "route": _envoy_route(lead)} for lead in leads]
        hosts.append({"name": f"g{gate}", "domains": [leads[0].host], "routes": routes})
    made = {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": "gates",
        "virtual_hosts": hosts,
    }
    return {"resources": [made]}


def _envoy_match(lead: Lead) -> Document:
    if lead.path != "/":
        return {"path_separated_prefix": lead.path}
    if lead.version is None:
        return {"prefix": "/"}
    header = {"name": "x-version", "string_match": {"exact": lead.version}}
    return {"prefix": "/", "headers": [header]}


def _envoy_route(lead: Lead) -> Document:
    if lead.other is None:
        return {"cluster": f"v{lead.label}", "timeout": "0s"}
    shares = ((lead.label, WEIGHT), (lead.other, 100 - WEIGHT))
    clusters = [{"name": f"v{label}", "weight": weight} for label, weight in shares]
    return {"weighted_clusters": {"clusters": clusters}, "timeout": "0s"}


def traefik(rules: Rules, backends: Sequence[int]) -> Document:
    """Return Traefik's routers: the one with the longest text that fits counts."""
    routers = {
        f"r{number}": {
            "rule": _traefik_rule(lead),
            "entryPoints": ["web"],
            "service": name_target(lead),
        }
        for number, lead in enumerate(rules.all())
    }
    services: dict[str, object] = {
        f"v{n}": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{backends[n]}"}]}}
        for n in _NUMBERS
    }
    if rules.kind is Kind.WEIGHT:
        for n in _NUMBERS:
            shares = ((n, WEIGHT), (second(n), 100 - WEIGHT))
            parts = [{"name": f"v{label}", "weight": weight} for label, weight in shares]
            services[f"w{n}"] = {"weighted": {"services": parts}}
    return {"http": {"routers": routers, "services": services}}


def _traefik_rule(lead: Lead) -> str:
    host = f"Host(`{lead.host}`)"
    if lead.path != "/":
        # PathPrefix(`/v1`) would fit /v10, too.
        return f"{host} && (Path(`{lead.path}`) || PathPrefix(`{lead.path}/`))"
    return f"{host} && Header(`X-Version`, `{lead.version}`)" if lead.version else host


def caddy(rules: Rules, backends: Sequence[int], *, port: int, socket: str) -> Document:
    """Return Caddy's configuration: of a gate the first route that fits counts.

    Each label is a named route, so that all rules share its connections.
    """
    gates = []
    for gate in range(rules.gates):
        leads = rules.of(gate)
        routes = [_caddy_route(lead) for lead in leads]
        inner = {"handler": "subroute", "routes": routes}
        gates.append({"match": [{"host": [leads[0].host]}], "handle": [inner], "terminal": True})
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "automatic_https": {"disable": True},
        "named_routes": _caddy_targets(rules, backends),
        "routes": gates,
    }
    return {
        "admin": {"listen": f"unix/{socket}", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {"http": {"servers": {"web": server}}},
    }


def caddy_id(lead: Lead) -> str:
    """Return the name of a rule in Caddy's admin API."""
    return f"r{lead.gate}-{lead.place}"


def _caddy_route(lead: Lead) -> Document:
    handle = [{"handler": "invoke", "name": name_target(lead)}]
    route = {"@id": caddy_id(lead), "handle": handle, "terminal": True}
    if lead.path != "/":
        return {**route, "match": [{"path": [lead.path, f"{lead.path}/*"]}]}
    if lead.version is not None:
        return {**route, "match": [{"header": {"X-Version": [lead.version]}}]}
    return route


def _caddy_targets(rules: Rules, backends: Sequence[int]) -> Document:
    dials = [{"dial": f"127.0.0.1:{port}"} for port in backends]
    targets: dict[str, object] = {
        f"v{n}": {"handle": [{"handler": "reverse_proxy", "upstreams": [dials[n]]}]}
        for n in _NUMBERS
    }
    if rules.kind is Kind.WEIGHT:
        policy = {"policy": "weighted_round_robin", "weights": [WEIGHT, 100 - WEIGHT]}
        for n in _NUMBERS:
            both = {
                "handler": "reverse_proxy",
                "upstreams": [dials[n], dials[second(n)]],
                "load_balancing": {"selection_policy": policy},
            }
            targets[f"w{n}"] = {"handle": [both]}
    return targets
