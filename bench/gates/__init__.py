"""`make bench-gates`: gates beside ordinary addresses, and beside other proxies."""
