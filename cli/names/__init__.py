"""What people type to name things: the arguments of commands, and their completion by a shell.

It finds the preview that a label means, the job that an id means, and similar names for what does
not exist. Runs on the main thread. The commands themselves are in commands/ and jobs/.
"""
