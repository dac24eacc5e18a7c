"""Why nothing could be measured."""


class BenchError(Exception):
    """What went wrong, as a sentence."""
