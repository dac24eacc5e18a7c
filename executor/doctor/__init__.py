"""What an agent's machine has of what executors need, looked at before any task comes.

A command of its own; no attempt runs it.
"""
