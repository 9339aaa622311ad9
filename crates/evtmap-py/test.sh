#!/usr/bin/env bash
# The Python module as a user gets it: a wheel, installed into a fresh environment; then its tests, its types and
# its notebooks. What cannot be had here is said, and skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
work=target/python
environment=$work/environment

skip() {
    echo "the Python module was not tested: $1"
    exit 0
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || skip "there is no Python 3.9 or newer"
rm -rf "$environment" "$work/wheels"
mkdir -p "$work"
"$python" -m venv "$environment" || skip "Python has no module venv"
export VIRTUAL_ENV=$PWD/$environment PATH=$PWD/$environment/bin:$PATH
pip() { python -m pip --disable-pip-version-check --quiet "$@"; }
pip install --requirement crates/evtmap-py/tests/requirements.txt \
    || skip "what its tests need cannot be installed without a network"

maturin build --release --locked --manifest-path crates/evtmap-py/Cargo.toml --out "$work/wheels"
pip install --no-index "$work"/wheels/evtmap-*.whl

cd crates/evtmap-py
python -m pytest -q -rs tests
python -m mypy --strict -p evtmap -p mitre_mapper_windows
python -m mypy --strict benchmark.py tests ../../examples/python
# The code of the notebooks, as one program each.
for notebook in ../../examples/notebooks/*.ipynb; do
    program=../../$work/$(basename "$notebook" .ipynb).py
    python -c 'import json, sys; cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
print("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))' "$notebook" >"$program"
    python -m mypy --strict "$program"
done
python -m mypy.stubtest --ignore-disjoint-bases --mypy-config-file pyproject.toml evtmap._native
