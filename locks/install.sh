#!/bin/sh
# install.sh PYTHON [OPTION OF PIP ...]: installs prevs for a Python, that of a virtual environment, from the folder above.
#
# Each library has the version that libraries.txt says, and pip takes no file whose hash is not there. What builds packages is
# locked alike and comes first, so that pip fetches nothing else of its own accord. It asks the index of pip's configuration.
set -eu
python=$1
shift
locks=$(cd "$(dirname "$0")" && pwd)
pip() { "$python" -m pip --disable-pip-version-check "$@"; }

pip install "$@" --no-deps --require-hashes --requirement "$locks/build.txt"
pip install "$@" --no-deps --require-hashes --no-build-isolation --use-pep517 --requirement "$locks/libraries.txt"
pip install "$@" --no-deps --no-build-isolation "$locks/../third_party/http-parser" "$locks/.."
pip check
