"""What people type to name things: the arguments of commands, and their completion by a shell.

It finds the preview that a label means, and similar names for one that does not exist. Runs on the
main thread. The commands themselves are in commands/.
"""
