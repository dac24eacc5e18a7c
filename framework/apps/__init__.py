"""What an app may say: its settings, variables, keys and repository, and the file of a commit.

Pure. What is stored of it is in state/; reading a commit's file is git/'s.
"""
