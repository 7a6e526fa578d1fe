"""Trains the frame encoder of the default weights to see in a picture what the two teachers see in the same picture.

  python encoder.py --out ENCODER.safetensors [--batches N] [--watch SET]... SET ...
  python encoder.py --initial ENCODER.safetensors --out ENCODER.safetensors ...   the second stage

The teachers are asked about exactly the pixels that the student reads, so that there is one right answer, and any change
to the picture may be made that helps to tell what they do: every face lies elsewhere and has other light, colours and
sharpness, a quarter are mixtures of two, an eighth were pushed towards what a class is to the teachers (smooth steps along
their gradient). In the first stage it learns of the same pictures what their blocks give, too (hints.py). In the second it
learns only what they say, for so small a network cannot have both, and beside it what the generator meant, of which they often
know nothing. Half of each batch is changed for it; the other half are pictures of batches before with the answers of then,
for asking takes as long as learning. Sets are of stills; every picture is drawn as often as what the teachers read in it is
rare. The encoder has the layout of the teacher whose features it learns (est's backbone `separable16`), and begins with drawn
weights; it is for `initial` of `est train`.
Of a set after `--watch`, whose labels nothing learns from, it prints from time to time how often what the student regresses
agrees with them.
"""
import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import sets
from answers import print_scores, read, shares
from hints import Hints, moved
from networks import CLASSES, GREY, MARGIN, Student, Teachers, evened, middle

BATCH = 64
# Of a batch, how many pictures are changed and asked about for it; the rest come from the last KEPT such.
FRESH, KEPT = 32, 2048
# Of those, how many are mixtures, and how many are pushed.
MIXED, PUSHED = 8, 4
SIDE = 112
# How much rarer a picture of a common class is drawn: shares of the classes are count ** (1 - EVENED).
EVENED = 0.7
WEIGHT_DECAY, AVERAGE = 0.02, 0.998
# Learning rates of the first stage and of the second.
RATES = 2e-3, 1e-3
# Of the loss: the divergence of the softened answers.
DIVERGENCE_WEIGHT, TEMPERATURE = 2.0, 2.0
# And of the second stage: the cross entropy of what the generator meant.
MEANT_WEIGHT = 0.5


def uniform(n, least, most):
    return least + (most - least) * torch.rand(n, 1, 1, 1)


def photographed(x):
    """Pictures [n, 3, h, w] in [0, 1] under other light, with other colours, less sharp or noisier."""
    n = len(x)
    grey = (x * GREY).sum(1, keepdim=True)
    saturation = torch.where(torch.rand(n, 1, 1, 1) < 0.4, torch.zeros(n, 1, 1, 1), uniform(n, 0.4, 1.5))
    x = (grey + (x - grey) * saturation) * uniform(n, 0.55, 1.45)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (mean + (x - mean) * uniform(n, 0.5, 1.5)).clamp(0, 1)
    third = n // 3
    small = int(SIDE / (1.2 + 2 * torch.rand(()).item()))
    coarse = F.interpolate(x[:third], size=small, mode="bilinear", antialias=True)
    x[:third] = F.interpolate(coarse, size=SIDE, mode="bilinear")
    x[third : 2 * third] += torch.randn_like(x[third : 2 * third]) * uniform(third, 0, 0.06)
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.3, x.clamp_min(1e-4) ** uniform(n, 0.6, 1.6), x)
    return x.clamp(0, 1)


def placed(x, share):
    """The part of `share` of the sides, wherever the face may lie in it: elsewhere, larger or smaller, turned, mirrored."""
    n = len(x)
    varied = lambda most: most * (2 * torch.rand(n) - 1)
    zoom, turn, mirror = share * varied(0.16).exp(), varied(0.15), torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    rows = [
        torch.stack([zoom * turn.cos() * mirror, -zoom * turn.sin(), varied(0.12)], 1),
        torch.stack([zoom * turn.sin() * mirror, zoom * turn.cos(), varied(0.12)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def smooth(x):
    """With a Gaussian of two pixels."""
    kernel = torch.exp(-torch.arange(-5.0, 6.0) ** 2 / 8)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, 11)
    flat = x.reshape(-1, 1, *x.shape[2:])
    flat = F.conv2d(F.conv2d(flat, kernel, padding=(0, 5)), kernel.transpose(2, 3), padding=(5, 0))
    return flat.reshape(x.shape)


@torch.enable_grad()
def pushed(teachers, x):
    """Two smooth steps towards a class drawn for each."""
    towards = torch.randint(len(CLASSES), (len(x), 1))
    for _ in range(2):
        x = x.detach().requires_grad_(True)
        _, first, second = teachers.once(x)
        gained = (first + second).log_softmax(1).gather(1, towards).sum()
        step = smooth(torch.autograd.grad(gained, x)[0])
        step = step / (step.flatten(1).std(1).view(-1, 1, 1, 1) + 1e-9)
        x = (x.detach() + step * uniform(len(x), 0.01, 0.07)).clamp(0, 1)
    return x.detach()


class Faces:
    def __init__(self, roots):
        items = [item for root in roots for item in sets.frames(root, sets.all_frames)]
        self.classes = [clip["class"] for clip, *_ in items]
        self.meant = torch.stack([shares(clip, frame) for clip, frame, _ in items])
        self.pictures = torch.from_numpy(np.stack([picture for *_, picture in items]))
        self.margin, *others = {sets.margin(root) for root in roots}
        if others:
            sys.exit("encoder: the sets have crops of different margins; make them with one")

    def of(self, index):
        return self.pictures[index].permute(0, 3, 1, 2).float() / 255

    @torch.no_grad()
    def even_out(self, teachers):
        """Weighs each picture by how rare it is what the teachers read in it."""
        classes = []
        for index in torch.arange(len(self.pictures)).split(256):
            _, first, second = teachers.once(middle(self.of(index), self.margin))
            classes.append((evened(first) + evened(second)).argmax(1))
        classes = torch.cat(classes)
        self.weights = torch.bincount(classes, minlength=len(CLASSES)).float()[classes] ** -EVENED

    def changed(self, teachers, share=None):
        """FRESH pictures, as the student reads them, or of crops around such pictures another share of the sides; and the shares of
        the classes that were meant, none of the pushed ones."""
        index = torch.multinomial(self.weights, FRESH)
        # What photographed() does to a third of them is to fall on any kind.
        order = torch.randperm(FRESH)
        x, meant = placed(photographed(self.of(index)), share or MARGIN / self.margin)[order], self.meant[index[order]]
        first, other = torch.rand(MIXED, 1), torch.randperm(FRESH)[:MIXED]
        mixed = x[other].lerp(x[:MIXED], first[..., None, None])
        meant[:MIXED] = meant[other].lerp(meant[:MIXED], first)
        further = pushed(teachers, x[MIXED : MIXED + PUSHED])
        meant[MIXED : MIXED + PUSHED] = 0
        return torch.cat([mixed, further, x[MIXED + PUSHED :]]), meant


class Asked:
    """The last changed pictures, and what the teachers say of them: face-api's features, its logits and fer's; and what their
    blocks give for the newest FRESH."""

    def __init__(self, faces, teachers):
        self.faces, self.teachers, self.count = faces, teachers, 0
        self.pictures = torch.empty(KEPT, 3, SIDE, SIDE)
        self.answers = torch.empty(KEPT, Student.FEATURES + 2 * len(CLASSES))
        self.meant = torch.empty(KEPT, len(CLASSES))
        for _ in range(24):
            self.ask()

    def ask(self):
        """Changes and asks about FRESH more in place of the oldest; says where they are."""
        x, meant = self.faces.changed(self.teachers)
        at = torch.arange(self.count, self.count + FRESH) % KEPT
        with torch.no_grad():
            self.maps, *answers = self.teachers.seen(x)
        self.pictures[at], self.answers[at], self.meant[at] = x, torch.cat(answers, 1), meant
        self.count += FRESH
        return at

    def batch(self):
        """The newest FRESH first."""
        at = torch.cat([self.ask(), torch.randperm(min(self.count, KEPT))[: BATCH - FRESH]])
        return self.pictures[at], self.answers[at], self.meant[at]


def train(student, asked, batches, hinted, save):
    seen = asked.answers[: asked.count]
    mean, scale = seen.mean(0), seen.std(0) + 1e-3
    mean[Student.FEATURES:] = 0
    logits = [slice(at, at + len(CLASSES)) for at in (Student.FEATURES, Student.FEATURES + len(CLASSES))]
    for of in logits:
        scale[of] = scale[of].square().mean().sqrt()
    if hinted:
        hints = Hints(asked.maps)
        rate, learned = RATES[0], [*student.parameters(), *hints.parameters()]
    else:
        # The layer was kept with the scale of what it regresses.
        student.fc.weight.data /= scale[:, None]
        student.fc.bias.data = (student.fc.bias.data - mean) / scale
        meaning = torch.nn.Linear(student.width, len(CLASSES))
        rate, learned = RATES[1], [*student.parameters(), *meaning.parameters()]
    student = student.to(memory_format=torch.channels_last).train()
    # Both passes of a batch take 195 ms for 437 on two cores; where Python's headers are missing they stay as they are.
    torch._dynamo.config.suppress_errors = True
    maps = torch.compile(student.maps, dynamic=False)
    average = {name: value.clone() for name, value in student.state_dict().items()}
    optimiser = torch.optim.AdamW(learned, lr=rate, weight_decay=WEIGHT_DECAY)
    began = time.monotonic()
    for step in range(1, batches + 1):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, step / 100) * (1 + math.cos(math.pi * step / batches)) / 2
        x, right, meant = asked.batch()
        right = (right - mean) / scale
        own = maps(moved(x).contiguous(memory_format=torch.channels_last))
        features = own[-1].mean((2, 3))
        given = student.fc(features)
        error = (given - right).square()
        if hinted:
            beside = hints.loss([of[:FRESH] for of in own], asked.maps)
        else:
            # Of pushed pictures nothing: their shares are 0.
            beside = MEANT_WEIGHT * F.cross_entropy(meaning(features), meant)
        loss = error[:, :Student.FEATURES].mean() + beside
        for of in logits:
            logs = [(scores[:, of] * scale[of] / TEMPERATURE).log_softmax(1) for scores in (given, right)]
            divergence = F.kl_div(*logs, log_target=True, reduction="batchmean")
            loss = loss + error[:, of].mean() + DIVERGENCE_WEIGHT * divergence
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        # Forgets faster at first.
        kept = min(AVERAGE, step / (step + 20))
        for name, value in student.state_dict().items():
            average[name] = average[name].lerp(value, 1 - kept) if value.is_floating_point() else value.clone()
        if step % 50 == 0:
            pace = step * BATCH / (time.monotonic() - began)
            parts = [error[:, of].mean().item() for of in (slice(Student.FEATURES), *logits)]
            print(f"{step} of {batches} batches, {pace:.0f} pictures/s, loss {loss.item():.3f}", end="; ")
            print("features, logits", " ".join(f"{of:.3f}" for of in parts), f"beside {beside.item():.3f}", flush=True)
        if step % 500 == 0 or step == batches:
            # The layer is kept with the scale of what it regresses.
            layer = {"fc.weight": average["fc.weight"] * scale[:, None], "fc.bias": average["fc.bias"] * scale + mean}
            save({**average, **layer})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=4500)
    parser.add_argument("--initial", metavar="ENCODER.safetensors")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--watch", action="append", default=[], metavar="SET")
    parser.add_argument("sets", nargs="+", metavar="SET")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    student = Student.read(given.initial) if given.initial else Student()
    teachers, faces = Teachers(), Faces(given.sets)
    faces.even_out(teachers)
    print(f"{len(faces.pictures)} pictures", flush=True)

    def save(tensors):
        part = given.out.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in tensors.items()}, part)
        part.rename(given.out)
        for root in given.watch:
            print_scores(root, list(read(Student.of(tensors), root)))

    train(student, Asked(faces, teachers), given.batches, not given.initial, save)
