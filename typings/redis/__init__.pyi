"""The part of redis-py 8 that the benches use; it is not installed here."""

class Redis:
    @classmethod
    def from_url(cls, url: str) -> Redis: ...
