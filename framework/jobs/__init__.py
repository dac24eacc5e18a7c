"""What only a job has: its transitions, its outcomes, its place among others, how it is kept.

Pure: values in, values out. No thread, no clock, no I/O. Schedules, which make jobs, are in
schedules/.
"""
