"""Benches as commands: each prints its measurements, and one line of JSON at the end."""
