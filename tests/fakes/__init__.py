"""The one room where tests get their worlds: doubles of what is outside, and what stands on them.

A double stands for a program, a machine or a library (`store.py`, `dockerd.py`, `forges/`); a
contract test runs on it and on the real thing. A builder starts a part of prevs over doubles and
gives it the records that a test names. Builders stand beside the doubles, not in a room of their
own: most are both, as the API in this process is for a test of the command line.

| a test is about | it begins with |
|---|---|
| the API | `asgi.ApiInProcess`, and `apis.GatesApi`, `SchedulesApi`, `StacksApi`, `IronApi`, \
`jobs_api.JobsApi`: `api.ask("PUT", "/nightly", Scope.USE, json=order)` |
| every call of the API, every list | `calls.CALLS`, `apis.WholeApi`: two apps with all there is |
| a client of the API | `api.Api`, on a socket by `serving` |
| the dashboard | `dashboard.Dashboard`: `dashboard.enter(Scope.READ).see("/queue").words` |
| the service | `driven.Driven`: `driven.commands.start("hello", A, "main")`; `gate_story`, \
`schedule_story` and `stack_story` stand on it |
| several leaders, faults, any order | `small_world.SmallWorld` |

A conftest or a test has what one resource or one file needs beside that, and starts nothing anew.
"""
