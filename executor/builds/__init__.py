"""Images: built by BuildKit or the classic builder, shared by a registry, within limits.

Blocks on Docker, on the attempt's thread. What a container may do is in container/.
"""
