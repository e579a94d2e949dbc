#!/bin/sh
# Installs cgan into a virtual environment as small as it gets: docker/install.sh SOURCE TARGET EXTRAS
# The images run it; it needs Python 3.10 or newer with its venv module, and a network.
set -eu
source=$1 target=$2 extras=$3

# shellcheck disable=SC2086 # options are words
python3 -m venv ${VENV_OPTIONS:-} "$target"
pip() { "$target/bin/python3" -m pip --disable-pip-version-check --no-input "$@"; }
pip install --no-cache-dir --no-compile -c "$source/constraints.txt" "${source}[$extras]"

# What only programs in C, or developers of these packages, need.
site=$("$target/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -rf "$site"/onnxruntime/capi/libonnxruntime.so.* "$site"/onnxruntime/transformers "$site"/onnxruntime/quantization \
	"$site"/onnxruntime/tools
find "$site" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
find "$site" \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.a' \) -exec rm -f {} +
pip uninstall -q -y setuptools pip 2>/dev/null || true
