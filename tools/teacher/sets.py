"""Frames of prepared sets (docs/data.md has their format)."""
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def frames(root, chosen):
    """(clip record, frame number, picture [h, w, 3] u8) of the frames that `chosen(clip)` lists."""
    for shard in sorted((Path(root) / "shards").iterdir()):
        with tarfile.open(shard) as members:
            clip, wanted = None, {}
            for member in members:
                if member.name.endswith(".json"):
                    clip = json.loads(members.extractfile(member).read())
                    wanted = {f"{clip['clip']}.{frame:06}.jpg": frame for frame in chosen(clip)}
                elif member.name in wanted:
                    picture = np.array(Image.open(io.BytesIO(members.extractfile(member).read())).convert("RGB"))
                    frame = wanted[member.name]
                    yield clip, frame, picture


def margin(root):
    """Of the square crops of a set, in sides of the detector's box. Generated sets do not say it: they have est's usual."""
    crop = json.loads((Path(root) / "set.json").read_text())["settings"].get("crop") or {}
    # Stored as f32.
    return round(crop.get("margin", 1.2), 6)


def all_frames(clip):
    return range(len(clip["truth"]["phase"])) if clip.get("truth") else range(len(clip["faces"]))


def apex(clip):
    return [clip["truth"]["apex_frame"]] if clip.get("truth") else [0]
