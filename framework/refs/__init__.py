"""Labels to commits: a bare mirror of each app's repository, and the rules of resolution."""

from framework.refs.mirrors import Mirrors

__all__ = ["Mirrors"]
