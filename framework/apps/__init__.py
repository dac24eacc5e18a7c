"""What an app may set: settings, variables, keys, its repository, and a commit's settings file.

Pure. The stored records are in state/; git/ reads the file of a commit.
"""
