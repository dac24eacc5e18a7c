"""Settings from the environment, and the files with secrets that they name.

Read once, at the start of a program, on its main thread. The settings themselves are in each
program's settings.py.
"""
