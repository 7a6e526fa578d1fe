"""What the two teachers, or with `--student` the encoder that learned from them has of both, read in prepared sets.

  python answers.py --targets FILE.csv [--student ENCODER.safetensors] SET ...   what `est train` takes as `targets`, with the
      names that `est join` gives the clips: of each the apex, with a distribution (see `targets`): a window is what its
      strongest moment is. Of sets after --unmeant it is what the network says alone. What stands behind the encoder
      can learn the student's word exactly, the teachers' not.
  python answers.py --score [--halves] [--student ENCODER.safetensors] SET ...   how often each of them and both agree with
      the labels (WAR and UAR), among the classes that occur, and among those without neutral; as they are and evened; of
      every other clip apart from the rest
"""
import argparse
import csv
from pathlib import Path

import numpy as np
import torch

import sets
from networks import CLASSES, Student, Teachers, evened, middle

BATCH = 128
# Shown by less than the first value a class is neutral, from the second on it is itself.
UNSEEN, SEEN = 0.05, 0.35
# Of which the teachers know less than the generator: they call most fear surprise, and most smiles with closed lips neutral.
FAVOURED = ("fear", "happy")
# Of pictures that nothing was meant to be: the temperature, and what neutral loses.
UNMEANT, WARY = 1.5, 0.7


def read(network, root):
    """(clip, frame, face-api's logarithms, fer's) of each clip's apex."""
    batch, margin = [], sets.margin(root)

    def answers():
        pictures = torch.from_numpy(np.stack([picture for *_, picture in batch])).permute(0, 3, 1, 2).float() / 255
        for (clip, frame, _), *logs in zip(batch, *network.answers(middle(pictures, margin))):
            yield clip, frame, *logs

    for item in sets.frames(root, sets.apex):
        batch.append(item)
        if len(batch) == BATCH:
            yield from answers()
            batch.clear()
    if batch:
        yield from answers()


def shown(clip):
    """How much of the clip's class each frame shows, 0 to 1: the clip's intensity times the expression's course."""
    truth = clip["truth"]
    course = np.array([[sum(sides[k]) for sides in truth["expression"].values()] for k in range(len(truth["phase"]))]).sum(1)
    return truth["intensity"] * course / course.max() if course.max() > 0 else course


def shares(clip, frame):
    """How far the frame shows its clip's class and how far neutral, [7]; a photograph shows its class altogether."""
    share = float(np.clip((shown(clip)[frame] - UNSEEN) / (SEEN - UNSEEN), 0, 1)) if clip.get("truth") else 1.0
    found = torch.zeros(len(CLASSES))
    found[CLASSES.index(clip["class"])] += share
    found[CLASSES.index("neutral")] += 1 - share
    return found


def targets(clip, frame, logs, temperature, meant, favoured):
    """The logarithms of both, evened, are added and divided by the temperature, so that what they nearly said counts, too; the
    class that the generator meant gains `meant`, one of FAVOURED `favoured` more, as far as the frame shows it."""
    meant += favoured if clip["class"] in FAVOURED else 0.0
    return (sum(evened(of) for of in logs) / temperature + meant * shares(clip, frame)).softmax(0).tolist()


def unmeant(logs):
    """The same of a picture that nothing was meant to be. They call too much neutral."""
    scores = sum(evened(of) for of in logs) / UNMEANT
    scores[CLASSES.index("neutral")] -= WARY
    return scores.softmax(0).tolist()


def write_targets(network, path, roots, of_nothing, gains):
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["clip", "frame", *(f"p_{name}" for name in CLASSES)])
        for root in roots:
            count = 0
            for clip, frame, *logs in read(network, root):
                shares = unmeant(logs) if root in of_nothing else targets(clip, frame, logs, *gains)
                rows.writerow([f"{Path(root).resolve().name}-{clip['clip']}", frame, *(f"{share:.5f}" for share in shares)])
                count += 1
            print(f"{root}: {count} frames")
    part.rename(path)


def agreement(logs, labels, classes):
    """WAR, UAR and the recalls, choosing among `classes`, of the pictures that show one of them; no numbers if
    there are none."""
    if not classes:
        return np.nan, np.nan, []
    shown = np.isin(labels, classes)
    read_as = np.array(classes)[logs[shown][:, [CLASSES.index(name) for name in classes]].argmax(1).numpy()]
    recalls = [np.mean(read_as[labels[shown] == name] == name) for name in classes]
    return np.mean(read_as == labels[shown]), np.mean(recalls), recalls


def print_scores(root, found):
    """How often what `read` found agrees with the labels."""
    labels = np.array([clip["class"] for clip, *_ in found])
    first, second = (torch.stack([item[k] for item in found]) for k in (2, 3))
    present = [name for name in CLASSES if name in labels]
    print(f"{root}: {len(labels)} clips")
    print(f"{'':10}{'WAR':>8}{'UAR':>8}{'without neutral':>18}" + "".join(f"{name:>10}" for name in present))
    both, even = first + second, evened(first) + evened(second)
    for name, logs in (("fer", second), ("face-api", first), ("both", both), ("evened", even)):
        war, uar, recalls = agreement(logs, labels, present)
        without = agreement(logs, labels, [name for name in present if name != "neutral"])
        row = f"{name:10}{war:8.3f}{uar:8.3f}{without[0]:10.3f}{without[1]:8.3f}"
        print(row + "".join(f"{recall:10.2f}" for recall in recalls), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--targets", type=Path, metavar="FILE.csv")
    what.add_argument("--score", action="store_true")
    parser.add_argument("--halves", action="store_true")
    parser.add_argument("--student", metavar="ENCODER.safetensors")
    parser.add_argument("--temperature", type=float, default=2.5)
    parser.add_argument("--meant", type=float, default=5.0)
    parser.add_argument("--favoured", type=float, default=2.0)
    parser.add_argument("--unmeant", action="append", default=[], metavar="SET", help="its classes are the network's own word")
    parser.add_argument("sets", nargs="+", metavar="SET")
    given = parser.parse_args()
    network = Student.read(given.student) if given.student else Teachers()
    if given.targets:
        gains = (given.temperature, given.meant, given.favoured)
        write_targets(network, given.targets, [*given.sets, *given.unmeant], given.unmeant, gains)
    else:
        for root in given.sets:
            found = list(read(network, root))
            for part in (found[::2], found[1::2]) if given.halves else (found,):
                print_scores(root, part)
