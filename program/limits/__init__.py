"""Limits on what clients and containers take.

Pure, without libraries, on Python 3.9. The numbers belong to those who set a limit.
"""
