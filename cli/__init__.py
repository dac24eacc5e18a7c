"""The `prevs` command: a client of the framework's HTTP API, for people and their scripts.

Data goes to stdout, everything else to stderr. Exit status: 0, 1 (it failed), 2 (wrong use), 130
(interrupted). One thread does all of it, except in doctor/.
"""
