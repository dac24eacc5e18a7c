"""What all benches have in common: command line, cleanup, comparison, and the check of the machine.

Nothing here knows what a bench measures.
"""
