"""Settings from the environment, and the files with secrets that they name.

Read once, at the start of a program. The settings themselves are in each program's settings.py.
"""
