#!/bin/sh
# Compares kinolens with PyTorch; arguments are those of bench.py, or after the word "loading" those of loading.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
environment=$target/versus_pytorch
if [ ! -x "$environment/bin/python" ]; then
    python3 -m venv "$environment"
fi
if ! "$environment/bin/python" -c 'import torch, numpy' 2>/dev/null; then
    # Wheels without CUDA are a twentieth of the size; where that index cannot be reached the usual ones will do.
    "$environment/bin/pip" install --quiet 'torch>=2.15,<2.16' numpy --index-url https://download.pytorch.org/whl/cpu ||
        "$environment/bin/pip" install --quiet 'torch>=2.15,<2.16' numpy
fi
script=bench.py
if [ "${1-}" = loading ]; then
    shift
    script=loading.py
    "$environment/bin/python" -c 'import cv2' 2>/dev/null ||
        "$environment/bin/pip" install --quiet opencv-python-headless
fi
cargo build --release --manifest-path "$root/Cargo.toml" --target-dir "$target"
exec "$environment/bin/python" "$here/$script" --kinolens "$target/release/kinolens" "$@"
