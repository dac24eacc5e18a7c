"""Log lines: their form, and their way to stderr.

Runs on the thread that logs. The output of builds and containers is not here. log_lines.py needs no
library and works on Python 3.9, for the executor.
"""
