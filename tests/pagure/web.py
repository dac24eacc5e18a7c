"""The web process of a Pagure. It runs with Debian's Python, which has Pagure, not with ours.

    web.py FOLDER PORT USER...    makes the database and the users' tokens, then serves

The tokens are in FOLDER/tokens.json once it is there; PAGURE_CONFIG names the configuration.
"""

import datetime
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server  # type: ignore[import-not-found,unused-ignore]

import pagure.config  # type: ignore[import-not-found]
import pagure.flask_app  # type: ignore[import-not-found]
import pagure.lib.model  # type: ignore[import-not-found]
import pagure.lib.query  # type: ignore[import-not-found]

_BYTES = re.compile(r"b'(.*)'")

Start = Callable[..., Any]


def make_users(names: Iterable[str]) -> dict[str, str]:
    """Make the database and its users; return their tokens, which may do what users may."""
    config = pagure.config.config
    session = pagure.lib.model.create_tables(config["DB_URL"], acls=config["ACLS"])
    tokens = {}
    for name in names:
        query = pagure.lib.query
        query.set_up_user(session, name, name.title(), f"{name}@example.org", emails=[])
        session.commit()
        until = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
        made = query.add_token_to_user(session, None, config["USER_ACLS"], name, until)
        tokens[name] = made.id
    session.close()
    return tokens


def with_headers_of_git(application: Callable[[Any, Start], Any]) -> Callable[[Any, Start], Any]:
    """Undo the one thing that breaks git over HTTP here: Pagure 5.14 sends headers as `b'text'`."""

    def serve(environ: Any, start: Start) -> Any:
        def begin(status: str, headers: Iterable[tuple[str, str]], *more: Any) -> Any:
            return start(status, [(k, _BYTES.sub(r"\1", v)) for k, v in headers], *more)

        return application(environ, begin)

    return serve


def main(folder: Path, port: int, users: Iterable[str]) -> None:
    """Make what is missing, and serve for ever."""
    tokens = make_users(users)
    application = with_headers_of_git(pagure.flask_app.create_app())
    server = make_server("127.0.0.1", port, application, threaded=True)
    made = folder / "tokens.new"
    made.write_text(json.dumps(tokens))
    made.rename(folder / "tokens.json")
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
