"""What a container may use and reach, as rules and numbers.

Pure but for a disk that is looked at. Applying it is container/'s and builds/'s.
"""
