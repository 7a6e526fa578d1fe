"""What a tilted or spoilt face does to the answer: python tools/faces.py LONDON WORK [WEIGHTS.est]

LONDON is the Face Research Lab London Set (neutral/, smiling/); of every second person both pictures are turned, covered,
reduced, blurred and so on, and read by target/release/est. Prints the tables of docs/quality.md and draws docs/quality.svg.
WORK takes 1.5 GB. tools/setup.sh pictures makes the Python environment, target/pictures-venv.
"""

import csv
import io
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

ROOT = Path(__file__).resolve().parent.parent
GREY = (216, 216, 216)
ANGLES = [*range(0, 181, 15), -30, -60, -90, -120, -150]
USABLE = 0.3
BINS = 10


def pictures(london):
    """Name and square of 640 pixels, the face some 200 wide in its middle."""
    for kind, label in [("neutral", "neutral"), ("smiling", "happy")]:
        for path in sorted((london / kind).glob("*.jpg"))[::2]:
            picture = Image.open(path).convert("RGB")
            side = min(picture.size)
            left, top = (picture.width - side) // 2, (picture.height - side) // 2
            picture = picture.crop((left, top, left + side, top + side)).resize((512, 512), Image.LANCZOS)
            square = Image.new("RGB", (640, 640), GREY)
            square.paste(picture, (64, 64))
            yield f"{label}.{path.stem}", square


def reduced(picture, factor):
    small = picture.resize((round(640 * factor), round(640 * factor)), Image.LANCZOS)
    frame = Image.new("RGB", (640, 640), GREY)
    frame.paste(small, (200, 200))
    return frame


def covered(picture, box, colour):
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle(box, fill=colour)
    return picture


def compressed(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def noisy(picture, deviation):
    grain = Image.effect_noise(picture.size, deviation).convert("RGB")
    return ImageChops.add(picture, grain, offset=-128)


def spoilt(name, picture):
    """Each way to spoil a picture, by name. Eyes lie about row 300 and mouths about row 390 of the square."""
    yield "as it is", picture
    for factor in [0.4, 0.25, 0.16, 0.12, 0.09, 0.07]:
        yield f"reduced to {factor}", reduced(picture, factor)
    for radius in [2, 4, 6, 9, 13, 20]:
        yield f"blurred by {radius}", picture.filter(ImageFilter.GaussianBlur(radius))
    for factor in [0.5, 0.25, 0.12, 0.06]:
        yield f"contrast {factor}", ImageEnhance.Contrast(picture).enhance(factor)
    for factor in [0.4, 0.15, 0.07, 1.6, 2.2, 3.0]:
        yield f"brightness {factor}", ImageEnhance.Brightness(picture).enhance(factor)
    for quality in [20, 8, 3]:
        yield f"JPEG {quality}", compressed(picture, quality)
    for deviation in [15, 30, 45, 65, 90]:
        yield f"noise {deviation}", noisy(picture, deviation)
    for colour in [(20, 20, 22), (150, 190, 215), (128, 128, 128)]:
        yield "mouth covered", covered(picture, (180, 345, 460, 500), colour)
        yield "eyes covered", covered(picture, (180, 265, 460, 335), colour)
    for share in [0.35, 0.5, 0.65]:
        cut = Image.new("RGB", (640, 640), GREY)
        cut.paste(picture.crop((round(220 + 200 * share), 0, 640, 640)), (0, 0))
        yield f"{share} beside the frame", cut.crop((0, 0, 420, 640))


def read(folder, weights, out):
    """The largest face of each picture of a folder, or None: its row."""
    sources = sorted(str(path) for path in folder.glob("*.png"))
    listed = folder / "list.csv"
    listed.write_text("path\n" + "".join(source + "\n" for source in sources))
    command = [ROOT / "target/release/est", "predict", "--list", listed, "--weights", weights, "--out", out, "--quiet"]
    subprocess.run([*command, "--format", "csv"], check=True, stdout=subprocess.DEVNULL)
    for source in sources:
        name = Path(source).stem
        with open(out / f"{name}.csv", newline="") as file:
            faces = [row for row in csv.DictReader(file) if row["x"]]
        yield name, max(faces, key=lambda row: float(row["w"]) * float(row["h"]), default=None)


def is_right(name, row):
    return row["label"] == name.split(".")[0]


def report(names, rows, column):
    print(f"| {column} | right, of the usable | usable | low quality | no face |\n|---|---|---|---|---|")
    for name in names:
        of_name = rows[name]
        found = [(right, quality) for right, quality in of_name if quality is not None]
        usable = [right for right, quality in found if quality >= USABLE]
        share = f"{100 * sum(usable) / len(usable):.0f} %" if usable else ""
        print(f"| {name} | {share} | {len(usable)} | {len(found) - len(usable)} | {len(of_name) - len(found)} |")


def curve(pairs, path):
    """Share of wrong labels by quality."""
    points = []
    print("| quality | faces | wrong |\n|---|---|---|")
    for k in range(BINS):
        low, high = k / BINS, (k + 1) / BINS
        wrong = [not right for right, quality in pairs if low <= quality < high or (k == BINS - 1 and quality >= high)]
        if wrong:
            share = sum(wrong) / len(wrong)
            print(f"| {low:.1f} to {high:.1f} | {len(wrong)} | {100 * share:.0f} % |")
            points.append(((low + high) / 2, share))
    x, y = lambda value: 50 + 400 * value, lambda share: 220 - 200 * share
    line = " ".join(f"{x(quality):.1f},{y(share):.1f}" for quality, share in points)
    ticks = "".join(
        f'<text x="{x(k / 5):.0f}" y="238" text-anchor="middle">{k / 5:.1f}</text>'
        f'<text x="42" y="{y(k / 5) + 4:.0f}" text-anchor="end">{20 * k} %</text>'
        f'<path d="M50 {y(k / 5):.0f}H450" stroke="#ddd"/>'
        for k in range(6)
    )
    dots = "".join(f'<circle cx="{x(quality):.1f}" cy="{y(share):.1f}" r="3" fill="#05a"/>' for quality, share in points)
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 262" font-family="sans-serif" font-size="11">'
        f'<rect width="480" height="262" fill="#fff"/><rect x="50" y="20" width="{400 * USABLE:.0f}" height="200" fill="#f3e9e9"/>'
        f'{ticks}<polyline points="{line}" fill="none" stroke="#05a" stroke-width="2"/>{dots}'
        f'<text x="{x(USABLE / 2):.0f}" y="34" text-anchor="middle">low_quality</text>'
        '<text x="250" y="256" text-anchor="middle">quality</text><text x="50" y="13">wrong labels</text></svg>\n'
    )


def main(london, work, weights):
    folders = {kind: work / kind for kind in ["turned", "spoilt"]}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    ways = []
    for name, picture in pictures(london):
        for angle in ANGLES:
            # Pillow turns counterclockwise.
            turned = picture.rotate(-angle, Image.BICUBIC, fillcolor=GREY)
            turned.save(folders["turned"] / f"{name}.{angle}.png", compress_level=1)
        for k, (way, changed) in enumerate(spoilt(name, picture)):
            ways = ways if k < len(ways) else [*ways, way]
            changed.save(folders["spoilt"] / f"{name}.{k}.png", compress_level=1)
    answers = {}
    for kind, folder in folders.items():
        rows = {}
        for name, row in read(folder, weights, work / f"{kind}-results"):
            key = name.split(".")[2]
            key = f"{key}°" if kind == "turned" else ways[int(key)]
            rows.setdefault(key, []).append((False, None) if row is None else (is_right(name, row), float(row["quality"])))
        answers[kind] = rows
    report([f"{angle}°" for angle in sorted(ANGLES)], answers["turned"], "roll")
    print()
    report(dict.fromkeys(ways), answers["spoilt"], "picture")
    print()
    pairs = [pair for rows in answers.values() for pairs in rows.values() for pair in pairs if pair[1] is not None]
    curve(pairs, ROOT / "docs/quality.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ROOT / "weights/est-default.est")
