"""The life of one preview: its states, its steps, its history, when it is kept.

Pure: values in, values out. No thread, no clock, no I/O; what agents have is in matching/.
"""
