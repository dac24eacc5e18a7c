"""The program that a Mesos agent starts for one attempt: commit, image, container, health.

`__main__` wires it, `service` talks to Mesos, and `attempt/` performs the attempt through `ports`.
The edges are `git/`, `builds/` and `container/`, which use git, docker-py, the docker CLI and HTTP.

No container outlives its executor: `workspace/watchdog.py` is the process that removes what a
killed executor left (`cleanup/orphans.py`). If the watchdog died too, the next executor removes it
(`cleanup/reaper.py`), by the locks in the work folder (docs/decisions/0018-orphans.md).
"""
