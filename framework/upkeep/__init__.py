"""What an operator does beside the frameworks: backups, and what is forgotten or restored.

Each is `python -m framework --…`: a program of its own, which prints what it did or why it did
nothing. All but a backup need that no framework leads.
"""
