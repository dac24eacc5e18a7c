"""Takes offers, places previews, stops idle ones, and leaves agents before maintenance.

Owned by the service's thread. matching/ decides which preview goes where.
"""
