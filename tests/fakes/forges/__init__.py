"""Doubles of forges: real HTTP servers on this machine, with the state of one repository."""
