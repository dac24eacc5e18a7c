"""`python -m proxy` with shorter intervals."""

import gc
import sys

if __name__ == "__main__":
    gc.disable()  # until all is imported, as in proxy/__main__.py

from proxy.__main__ import main
from proxy.intervals import Intervals

if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main(Intervals(usage=0.2, silence=0.4, reread=1.0)))
