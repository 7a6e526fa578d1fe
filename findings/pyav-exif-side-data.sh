#!/usr/bin/env bash
# PyAV 18.1 cannot list the side data of a picture that has an EXIF orientation, and its `rotation` does not tell mirrored from turned.
# Found 2026-11-30 with av 18.1.0 (FFmpeg 8.1.2 within), pillow 13.0.0, numpy 2.4.6.
#
# Expected: frame.side_data lists what FFmpeg gave, among it the display matrix; frame.rotation is what to turn the picture by.
# Seen: 1. FFmpeg 8 attaches the EXIF block (side data type 31) to JPEG, PNG, WebP and TIFF alike. PyAV's enumeration does not know
#   the type, so that frame.side_data raises ValueError for each of them: the display matrix cannot be had.
#   2. frame.rotation is left, and it is the same for orientation 2 (mirrored left-right, upright) as for 3 (upside down): -180;
#   and for 5 as for 6: -90. A mirrored selfie turned by it stands on its head.
#   3. frame.width and height are those of the stored picture: nothing is turned, in any of the four formats.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 pillow==13.0.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import av
import numpy as np
from PIL import Image

picture = Image.fromarray(np.zeros((40, 60, 3), np.uint8))
want = {2: -180, 3: -180, 5: -90, 6: -90}
for tag, rotation in want.items():
    exif = Image.Exif()
    exif[274] = tag
    for kind in ("jpg", "png", "webp", "tiff"):
        picture.save(f"turned.{kind}", exif=exif)
        frame = next(av.open(f"turned.{kind}").decode(video=0))
        try:
            seen = len(frame.side_data)
        except ValueError as error:
            seen = str(error)
        print(av.__version__, "orientation", tag, kind, (frame.width, frame.height), "rotation", frame.rotation, "side data:", seen)
        assert seen == "31 is not a valid Type", "PyAV lists the side data now"
        assert frame.rotation == rotation, "PyAV's rotation is another now"
        assert (frame.width, frame.height) == (60, 40)
PYTHON
