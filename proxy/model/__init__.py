"""What the proxy knows of previews and routes, and what it says when there is none.

Pure. How HAProxy is told of it is in haproxy/.
"""
