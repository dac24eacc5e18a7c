"""The life of a unit, which serves (a preview) or finishes (a job): its states and its events.

Pure: values in, values out. No thread, no clock, no I/O. What only a preview has is in preview/,
what only a job has in jobs/.
"""
