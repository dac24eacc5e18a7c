"""What an app may set: settings, variables, keys, repository, visitors; a commit's settings file.

Pure. The stored records are in state/; git/ reads the file of a commit.
"""
