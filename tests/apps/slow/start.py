"""Takes its time until it listens, as large applications do."""

import functools
import http.server
import os
import time

for part in ("the index", "the dictionary", "the models"):
    print(f"Loading {part} ...", flush=True)
    time.sleep(4)
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/www")
print("Ready.", flush=True)
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), handler).serve_forever()
