"""Writes pictures for what stands behind the encoder to learn from. Generated clips lie close together among its features; it is
to hear faces as unlike each other as those that the encoder learned from.

  python pictures.py --student ENCODER.safetensors --out FOLDER [--count N] SET ...   faces changed as encoder.py changes them;
      the class is what the encoder reads
  python pictures.py --times N --out FOLDER SET ...   every picture N times, elsewhere and in other light, with its own class

FOLDER gets a folder with one picture for each, and FOLDER.csv the list that `est prepare own --crops` takes. The pictures are
as wide as the sets' crops; the default weights read their middle.
"""
import argparse
import csv
from pathlib import Path

import torch
from PIL import Image

from encoder import FRESH, Faces, photographed, placed
from networks import CLASSES, Student, Teachers, evened, middle


def changed(path, roots, count):
    """`count` pictures [3, h, w] and what the student reads in them."""
    student, teachers, faces = Student.read(path), Teachers(), Faces(roots)
    faces.even_out(teachers)
    for _ in range(0, count, FRESH):
        pictures, _ = faces.changed(teachers, share=1.0)
        read = sum(evened(of) for of in student.answers(middle(pictures, faces.margin)))
        yield from zip(pictures, [CLASSES[k] for k in read.argmax(1).tolist()])


def again(roots, times):
    """Every picture so often, with its class."""
    faces = Faces(roots)
    for _ in range(times):
        order = torch.randperm(len(faces.classes))
        yield from zip(placed(photographed(faces.of(order)), 1.0), [faces.classes[k] for k in order.tolist()])


def write(out, found):
    rows = []
    for picture, name in found:
        folder = out / f"{len(rows):05}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (255 * picture).round().to(torch.uint8).permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / "000.png")
        rows.append([folder.name, name, folder.name])
    with out.with_name(out.name + ".csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "subject"], *rows])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--student", metavar="ENCODER.safetensors")
    what.add_argument("--times", type=int, metavar="N")
    parser.add_argument("--count", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("sets", nargs="+", metavar="SET")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    if given.student:
        write(given.out, changed(given.student, given.sets, given.count))
    else:
        write(given.out, again(given.sets, given.times))
