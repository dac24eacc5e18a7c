"""Commands of jobs and schedules, the jobs that schedules make, and the thread-safe clients.
They run on the thread of the service; `Jobs` and `Schedules` may be used by any thread.
"""
