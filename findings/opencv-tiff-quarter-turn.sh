#!/usr/bin/env bash
# OpenCV reads no TIFF whose orientation tag is a quarter turn and whose sides differ.
# Found 2026-11-30 with opencv-python-headless 4.14.0.94 and 5.0.0.93, pillow 13.0.0, numpy 2.4.6.
#
# Expected: cv2.imread turns the picture by TIFF tag 274, as it does for JPEG, PNG and WebP (and as IMREAD_IGNORE_ORIENTATION
#   forbids): 60 x 40 stored with tag 6 has the shape (60, 40, 3).
# Seen: None for the tags 5, 6, 7 and 8, whatever the flags, IMREAD_UNCHANGED and IMREAD_IGNORE_ORIENTATION included; the tags 1 to 4
#   are read, and so are all eight where the picture is square. A scan or a phone's TIFF is "missing" to a program that only
#   looks at None.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >check.py <<'PYTHON'
import cv2
import numpy as np
from PIL import Image


def shape(name, flags):
    picture = cv2.imread(name, flags)
    return None if picture is None else picture.shape[:2]


wide = Image.fromarray(np.zeros((40, 60, 3), np.uint8))
square = Image.fromarray(np.zeros((40, 40, 3), np.uint8))
flags = [cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION]
for tag in range(1, 9):
    exif = Image.Exif()
    exif[274] = tag
    for name, picture in (("wide.tiff", wide), ("square.tiff", square), ("wide.png", wide)):
        picture.save(name, exif=exif)
    tiff = [shape("wide.tiff", flag) for flag in flags]
    print(cv2.__version__, "tag", tag, "tiff", tiff, "square", shape("square.tiff", flags[0]), "png", shape("wide.png", flags[0]))
    assert tiff == ([None] * 3 if tag > 4 else [(40, 60)] * 3), "OpenCV reads these TIFFs otherwise now"
    assert shape("square.tiff", flags[0]) == (40, 40)
    assert shape("wide.png", flags[0]) == ((60, 40) if tag > 4 else (40, 60))
PYTHON
for version in 4.14.0.94 5.0.0.93; do
  python3 -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check "opencv-python-headless==$version" pillow==13.0.0 numpy==2.4.6
  "$version/bin/python" check.py 2>/dev/null
done
