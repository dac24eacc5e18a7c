"""Doubles of identity providers, on real sockets."""
