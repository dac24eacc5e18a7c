"""The program that a Mesos agent starts for one attempt: commit, image, container, health.

`__main__` wires it. `job` performs the attempt through `ports`;
the edges are `checkout` (git), `images`, `classic`, `containers`, `container` and `reaper`
(docker-py), `buildkit` (the docker CLI), `probe` (HTTP) and `mesos` (the driver); `health`,
`build_log`, `log_position` and `statuses` decide and do no I/O.

No container outlives its executor: `guardian` is the process that ends what a killed one leaves
(`remains`, `engine`), `reaper` does it for one that died with its guardian, by the locks in
`folder`; `custody` is how the executor sees to both (docs/decisions/0018-orphans.md).
"""
