"""The program that a Mesos agent starts for one attempt: commit, image, container, health.

`__main__` wires it. `job` performs the attempt through `ports`; the edges are `checkout` (git),
`images`, `classic` and `containers` (docker-py), `buildkit` (the docker CLI), `probe` (HTTP) and
`mesos` (the driver); `health`, `build_log` and `statuses` decide and do no I/O.
"""
