"""`python -m proxy` with shorter intervals."""

import sys

from proxy.__main__ import main
from proxy.intervals import Intervals

if __name__ == "__main__":
    sys.exit(main(Intervals(usage=0.2, silence=0.4, reread=1.0)))
