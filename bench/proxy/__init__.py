"""`make bench-proxy`: the proxy against others."""
