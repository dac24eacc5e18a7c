"""Log lines: their form, and their way to stderr.

The output of builds and containers is not here. log_lines.py needs no library and works on Python
3.9, for the executor.
"""
