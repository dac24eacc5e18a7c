"""The error that ends a bench before it has measured."""


class BenchError(Exception):
    """The bench cannot measure; str() is a sentence with the reason."""
