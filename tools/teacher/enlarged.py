"""Makes pictures in which a face can be found of FER-2013's, which are 48 pixels of face and little else: four times as large,
with a grey border.

  python enlarged.py FOLDER OUT EACH      FOLDER/<class>/*.jpg -> OUT/pictures/<name>/000.png and OUT/list.csv, EACH of every
                                          class, evenly through the names
"""
import csv
import sys
from pathlib import Path

from PIL import Image

SIDE, BORDER, GREY = 192, 64, 128

if __name__ == "__main__":
    folder, out, each = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    with (out / "list.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["path", "label", "subject"])
        for label in sorted(path for path in folder.iterdir() if path.is_dir()):
            files = sorted(label.iterdir())
            count = min(each, len(files))
            for path in (files[k * len(files) // count] for k in range(count)):
                picture = Image.new("L", (SIDE + 2 * BORDER,) * 2, GREY)
                picture.paste(Image.open(path).convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC), (BORDER, BORDER))
                (out / "pictures" / path.stem).mkdir(parents=True, exist_ok=True)
                picture.convert("RGB").save(out / "pictures" / path.stem / "000.png")
                rows.writerow([path.stem, label.name, path.stem])
