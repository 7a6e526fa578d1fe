"""Frames of prepared sets (docs/data.md has their format)."""
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image


def frames(root, chosen):
    """(clip record, frame number, picture [h, w, 3] u8, landmarks [5, 2] in sides of the picture) of the frames that
    `chosen(clip)` lists."""
    margin = json.loads((Path(root) / "set.json").read_text())["settings"].get("crop", {}).get("margin")
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
                    yield clip, frame, picture, landmarks(clip, frame, picture.shape[0], margin)


def landmarks(clip, frame, side, margin):
    """Of generated faces the landmarks are in pixels of the crop, of found ones in pixels of the source."""
    if clip.get("truth"):
        return np.array(clip["landmarks"][frame], np.float32) / side
    face = clip["faces"][frame]
    x, y, w, h = face["box"]
    extent = margin * max(w, h)
    return ((np.array(face["landmarks"]) - [x + w / 2, y + h / 2]) / extent + 0.5).astype(np.float32)


def all_frames(clip):
    return range(len(clip["truth"]["phase"])) if clip.get("truth") else range(len(clip["faces"]))


def apex(clip):
    return [clip["truth"]["apex_frame"]] if clip.get("truth") else [0]
