#!/bin/sh
# Compares kinolens with PyTorch; arguments are those of bench.py.
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
cargo build --release --manifest-path "$root/Cargo.toml" --target-dir "$target"
exec "$environment/bin/python" "$here/bench.py" --kinolens "$target/release/kinolens" "$@"
