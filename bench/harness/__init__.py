"""What all benches have in common: command line, cleanup, comparison, and the check of the machine.

Runs on the main thread. Nothing here knows what a bench measures.
"""
