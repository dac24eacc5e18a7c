"""Which networks are private or reserved, and the IPv4 addresses that IPv6 ones contain."""
