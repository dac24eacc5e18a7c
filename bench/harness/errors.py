"""Why a bench ends before it has measured."""


class BenchError(Exception):
    """What went wrong, as a sentence."""
