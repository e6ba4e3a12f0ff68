#!/usr/bin/env python3
"""Writes tests/golden/extra_jpeg.json: small JPEG files of many kinds, and the MD5 of the RGB bytes that OpenCV and Pillow decode
from them (which must agree). Needs numpy, opencv-python-headless and pillow."""

import hashlib
import io
import json
import pathlib

import cv2
import numpy
from PIL import Image, ImageOps


def picture(width, height, seed):
    """Smooth colours, an edge, and some noise."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    out = numpy.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1).astype(float)
    out[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2] = [230, 40, 90]
    return numpy.clip(out + random.normal(0, 12, out.shape), 0, 255).astype(numpy.uint8)


def encoded(size, seed, mode="RGB", exif=None, **options):
    image = Image.fromarray(picture(*size, seed)).convert(mode)
    if exif is not None:
        tags = Image.Exif()
        tags[0x0112] = exif
        options["exif"] = tags
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def decoded(data):
    """RGB as shown, by both; they turn pictures as the camera noted."""
    by_opencv = cv2.cvtColor(cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    by_pillow = numpy.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert numpy.array_equal(by_opencv, by_pillow)
    return by_pillow


def main():
    cases = {}
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        for size in ((64, 48), (37, 29), (8, 8), (1, 1), (17, 3)):
            cases[f"{subsampling} {size[0]}x{size[1]}"] = encoded(size, len(cases), quality=85, subsampling=subsampling)
    for quality in (1, 30, 95, 100):
        cases[f"quality {quality}"] = encoded((50, 41), len(cases), quality=quality)
    cases["progressive"] = encoded((61, 47), 90, quality=80, progressive=True)
    cases["optimised tables"] = encoded((61, 47), 91, quality=80, optimize=True)
    cases["restarts"] = encoded((61, 47), 92, quality=80, restart_marker_blocks=2)
    cases["grey"] = encoded((45, 33), 93, mode="L", quality=80)
    for orientation in range(1, 9):
        cases[f"orientation {orientation}"] = encoded((23, 11), 94, quality=90, exif=orientation)

    files = []
    for name, data in cases.items():
        shown = decoded(data)
        files.append(
            {
                "name": name,
                "jpeg": data.hex(),
                "width": shown.shape[1],
                "height": shown.shape[0],
                "rgb_md5": hashlib.md5(shown.tobytes()).hexdigest(),
            }
        )
    made = {"made_by": f"OpenCV {cv2.__version__} and Pillow {Image.__version__}", "files": files}
    place = pathlib.Path(__file__).parent.parent / "golden" / "extra_jpeg.json"
    place.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
