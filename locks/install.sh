#!/bin/sh
# install.sh PYTHON [OPTION OF PIP ...]: installs prevs for a Python, that of a virtual environment: from the folder above,
# or, in a release, from the wheels beside it, whose checksums it compares.
#
# Each library has the version that libraries.txt says, and pip takes no file whose hash is not there. What builds packages is
# locked alike and comes first, so that pip fetches nothing else of its own accord. It asks the index of pip's configuration.
set -eu
python=$1
shift
locks=$(cd "$(dirname "$0")" && pwd)
pip() { "$python" -m pip --disable-pip-version-check "$@"; }

ours() { pip install "$@" --no-deps --no-build-isolation "$locks/../third_party/http-parser" "$locks/.."; }
if [ -f "$locks/SHA256SUMS" ]; then
  (cd "$locks" && sha256sum --check --strict --quiet SHA256SUMS)
  ours() { pip install "$@" --no-deps --no-index "$locks"/*.whl; }
fi

pip install "$@" --no-deps --require-hashes --requirement "$locks/build.txt"
pip install "$@" --no-deps --require-hashes --no-build-isolation --use-pep517 --requirement "$locks/libraries.txt"
ours "$@"
pip check
