"""The keys of a compose file that have no effect here, or that lead out of a preview, and why."""

RESTARTS = "prevs starts the preview again by itself"
_NETWORK = "all services of the file are in one network, where their names lead to them"
LIMITS = "each container has prevs's own limits"
HERE = "it has no effect here"

NO_EFFECT = {
    "restart": RESTARTS,
    "logging": "prevs keeps the log of each container itself",
    "label_file": HERE,
    "annotations": HERE,
    "attach": HERE,
    "ulimits": LIMITS,
    "init": "each container has an init process",
    "security_opt": "each container has prevs's own confinement",
    "networks": _NETWORK,
    "links": _NETWORK,
    "external_links": "what is outside of the preview is not reached by a name of its own",
    "stdin_open": "nobody types into it",
    "tty": "its output is a log",
    "extra_hosts": "names lead to the services of the file alone",
    "dns": "the agent's nameserver is asked",
    "dns_search": "the agent's nameserver is asked",
    "dns_opt": "the agent's nameserver is asked",
    "domainname": HERE,
    "mac_address": HERE,
    "platform": "it runs on the agent's platform",
    "pull_policy": "an agent pulls what it does not have",
    "develop": "a preview has the files of its commit",
    "sysctls": LIMITS,
    "cap_drop": "each container has prevs's own capabilities",
    "group_add": HERE,
    "oom_score_adj": LIMITS,
    "oom_kill_disable": LIMITS,
    "memswap_limit": LIMITS,
    "mem_swappiness": LIMITS,
    "mem_reservation": "a container has what mem_limit says",
    "pids_limit": LIMITS,
    "cpu_count": LIMITS,
    "cpu_percent": LIMITS,
    "cpu_shares": LIMITS,
    "cpu_period": LIMITS,
    "cpu_quota": LIMITS,
    "cpu_rt_period": LIMITS,
    "cpu_rt_runtime": LIMITS,
    "cpuset": LIMITS,
    "blkio_config": LIMITS,
    "storage_opt": LIMITS,
    "post_start": "write what runs once into [hooks] of .prevs.toml",
    "pre_stop": HERE,
    "runtime": "the agent's own runtime runs it",
    "isolation": HERE,
}
"""Keys of a service that are read and change nothing, each with a sentence for its note."""

BUILD_NO_EFFECT = dict.fromkeys(
    (
        *("cache_from", "cache_to", "no_cache", "no_cache_filter", "pull", "labels", "network"),
        *("tags", "platforms", "shm_size", "isolation", "extra_hosts", "provenance", "sbom"),
        "ulimits",
    ),
    "prevs builds with a cache and limits of its own",
)

DEPLOY_NO_EFFECT = dict.fromkeys(
    (
        *("mode", "endpoint_mode", "labels", "update_config", "rollback_config"),
        *("restart_policy", "placement"),
    ),
    "one container runs, on one agent",
)

BUILD_REFUSED = {
    "dockerfile_inline": "is not read: write it into a file, and name that with dockerfile",
    "additional_contexts": "is not read: COPY from the context, or from another stage",
    "ssh": "is not read: builds have no keys; use an https address with a secret of the app",
    "secrets": "is not read: builds get the app's secrets (prevs env set), by their names",
    "privileged": "is more than a build may: leave it out",
    "entitlements": "is more than a build may: leave it out",
}

_ROOM = "leaves the preview: leave it out"
REFUSED = {
    "privileged": "is more than a container may: leave it out; what needs it cannot run here",
    "devices": "names devices of the agent, which a preview has not: leave it out",
    "gpus": "names devices of the agent, which a preview has not: leave it out",
    "device_cgroup_rules": "names devices of the agent, which a preview has not: leave it out",
    "cgroup": _ROOM,
    "cgroup_parent": _ROOM,
    "userns_mode": _ROOM,
    "uts": _ROOM,
    "volumes_from": "is not read: give both services the same named volume",
    "credential_spec": _ROOM,
    "use_api_socket": "gives it the agent's Docker, and so the agent: leave it out",
    "provider": "is not read: write a service with an image instead",
    "models": "is not read: write a service with an image instead",
}
"""Keys of a service that are mistakes, each with the rest of a sentence."""

CAPABILITIES = frozenset(
    {"CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"}
)
"""Those that each container has (executor/limits/confinement.py)."""
