"""Writes faces changed as encoder.py changes them, with what the encoder reads in each as its class.

  python pictures.py --student ENCODER.safetensors --out FOLDER [--count N] SET ...

What stands behind the encoder is to hear faces as unlike each other as those that the encoder learned from: generated clips lie
close together among its features. FOLDER gets a folder with one picture for each, and FOLDER.csv the list that `est
prepare own --crops` takes. The pictures are as wide as the sets' crops; the student reads their middle.
"""
import argparse
import csv
from pathlib import Path

import torch
from PIL import Image

from encoder import Faces
from networks import CLASSES, Student, Teachers, evened, middle

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--student", required=True, metavar="ENCODER.safetensors")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("sets", nargs="+", metavar="SET")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    student, teachers, faces = Student.read(given.student), Teachers(), Faces(given.sets)
    faces.even_out(teachers)
    rows = []
    while len(rows) < given.count:
        pictures = (255 * faces.changed(teachers, share=1.0)).round().to(torch.uint8)
        read = student.answers(middle(pictures.float() / 255, faces.margin))
        for picture, k in zip(pictures, sum(evened(of) for of in read).argmax(1).tolist()):
            name = f"{len(rows):05}"
            (given.out / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture.permute(1, 2, 0).numpy()).save(given.out / name / "000.png")
            rows.append([name, CLASSES[k], name])
    with given.out.with_name(given.out.name + ".csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "subject"], *rows])
