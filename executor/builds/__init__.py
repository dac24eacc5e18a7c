"""Builds images with BuildKit or the classic builder, within limits, and shares them by a registry.

Blocks on Docker, on the attempt's thread. The limits of containers are in limits/.
"""
