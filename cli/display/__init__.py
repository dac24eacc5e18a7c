"""What commands show: tables, sentences, steps, and progress while a command waits.

Data goes to stdout, all else to stderr. Runs on the main thread. Nothing here calls the API; that
is done by client/.
"""
