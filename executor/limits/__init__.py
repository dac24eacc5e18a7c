"""What containers and builds may use and reach, as rules and numbers.

Pure, except that it measures disks. container/ and builds/ apply the rules.
"""
