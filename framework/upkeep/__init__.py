"""What an operator does with the records while no framework decides: `python -m framework --…`.

On the main thread of a program of its own, which prints what it did or why it did nothing.
"""
