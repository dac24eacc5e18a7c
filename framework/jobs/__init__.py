"""The life of one job: its states, what ends it, its place among others, and how it is kept.

Pure: values in, values out. No thread, no clock, no I/O. Schedules, which make jobs, are in
schedules/.
"""
