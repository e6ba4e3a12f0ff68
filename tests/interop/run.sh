#!/bin/sh
# Holds kinolens against PyTorch, weights going both ways; arguments are those of interop.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
python=${INTEROP_PYTHON:-}
if [ -z "$python" ]; then
    environment=$target/interop
    python=$environment/bin/python
    [ -x "$python" ] || python3 -m venv "$environment"
    if ! "$python" -c 'import torch, torchvision, safetensors, numpy, PIL, cv2' 2>/dev/null; then
        echo "installing PyTorch in $environment; INTEROP_PYTHON names a Python that has it" >&2
        # Wheels without CUDA are a twentieth of the size; where that index cannot be reached the usual ones will do.
        if ! "$python" -m pip install --quiet --retries 1 torch torchvision --index-url https://download.pytorch.org/whl/cpu; then
            echo "not from there: PyTorch with CUDA, which takes 9 GB while it is installed and 6 GB then" >&2
            "$python" -m pip install --quiet --no-cache-dir torch torchvision
        fi
        "$python" -m pip install --quiet safetensors numpy pillow opencv-python-headless
    fi
fi
program=${KINOLENS:-}
if [ -z "$program" ]; then
    cargo build --release --manifest-path "$root/Cargo.toml" --target-dir "$target"
    program=$target/release/kinolens
fi
exec "$python" "$here/interop.py" --kinolens "$program" "$@"
