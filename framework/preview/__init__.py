"""What only a preview has: its transitions, its steps, its history, and when it is kept.

Pure: values in, values out. No thread, no clock, no I/O. What agents offer is in matching/.
"""
