"""Checks whether an agent's machine has what executors need, before any task comes.

It is a command of its own, on the main thread; no attempt runs it.
"""
