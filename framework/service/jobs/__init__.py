"""The commands about jobs and schedules, what schedules do, and the way of other threads to them.

They run on the thread of the service; `Jobs` and `Schedules` may be used by any thread.
"""
