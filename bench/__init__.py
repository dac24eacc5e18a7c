"""Benches as commands: each prints its measurements, and one line of JSON at the end.

harness/ has what all of them share, systems/ has what they measure.
"""
