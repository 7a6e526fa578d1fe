"""Trains the frame encoder of the default weights to see in a picture what the two teachers see in the same picture.

  python encoder.py --out ENCODER.safetensors [--batches N] [--watch SET]... SET ...

The teachers are asked about every picture as it is changed, so that any change may be made that helps to tell what they
do: a quarter are mixtures of two faces, a quarter were pushed towards what a class is to the teachers (smooth steps
along their gradient), and all have other light, colours and sharpness. Half of each batch is changed for it; the other
half are pictures of batches before with the answers of then, placed anew, for asking takes longer than learning. Sets are
of stills; every picture is drawn as often as what the teachers read in it is rare. The encoder has the layout of the
teacher whose features it learns (est's backbone `separable16`), and begins with drawn weights; it is for `initial` of
`est train`. Of a set after `--watch`, whose labels nothing learns from, it prints from time to time how often what the
student regresses agrees with them.
"""
import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import sets
from answers import print_scores, read
from networks import CLASSES, GREY, Student, Teachers, evened

BATCH = 64
# Of a batch, how many pictures are changed and asked about for it; the rest come from the last KEPT such.
FRESH, KEPT = 32, 2048
SIDE = 112
# How much rarer a picture of a common class is drawn: shares of the classes are count ** (1 - EVENED).
EVENED = 0.7
RATE, WEIGHT_DECAY, AVERAGE = 2e-3, 0.02, 0.998
# Of the loss: face-api's features, a third of whose variance is noise of the cut; and the divergence of the softened answers.
FEATURE_WEIGHT, DIVERGENCE_WEIGHT, TEMPERATURE = 0.3, 2.0, 2.0


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


def placed(x):
    """The faces elsewhere, larger or smaller, turned, mirrored; one in five with a grey rectangle."""
    n = len(x)
    varied = lambda: 0.15 * (2 * torch.rand(n) - 1)
    zoom, turn, mirror = 1 / (1 + varied()), varied(), torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    rows = [
        torch.stack([zoom * turn.cos() * mirror, -zoom * turn.sin(), varied()], 1),
        torch.stack([zoom * turn.sin() * mirror, zoom * turn.cos(), varied()], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), x.shape, align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    for i in (torch.rand(n) < 0.2).nonzero().flatten().tolist():
        w, h = (int(SIDE * math.sqrt(0.02 + 0.18 * share)) for share in torch.rand(2).tolist())
        left, top = int(torch.rand(()) * (SIDE - w)), int(torch.rand(()) * (SIDE - h))
        x[i, :, top : top + h, left : left + w] = 0.5
    return x


def smooth(x):
    """With a Gaussian of two pixels."""
    kernel = torch.exp(-torch.arange(-5.0, 6.0) ** 2 / 8)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, 11)
    flat = x.reshape(-1, 1, *x.shape[2:])
    flat = F.conv2d(F.conv2d(flat, kernel, padding=(0, 5)), kernel.transpose(2, 3), padding=(5, 0))
    return flat.reshape(x.shape)


@torch.enable_grad()
def pushed(teachers, x, landmarks):
    """Two smooth steps towards a class drawn for each."""
    towards = torch.randint(len(CLASSES), (len(x), 1))
    for _ in range(2):
        x = x.detach().requires_grad_(True)
        _, first, second = teachers.once(x, landmarks)
        gained = (first + second).log_softmax(1).gather(1, towards).sum()
        step = smooth(torch.autograd.grad(gained, x)[0])
        step = step / (step.flatten(1).std(1).view(-1, 1, 1, 1) + 1e-9)
        x = (x.detach() + step * uniform(len(x), 0.01, 0.07)).clamp(0, 1)
    return x.detach()


class Faces:
    def __init__(self, roots):
        items = [item[2:] for root in roots for item in sets.frames(root, sets.all_frames)]
        self.pictures = torch.from_numpy(np.stack([picture for picture, _ in items]))
        self.landmarks = torch.from_numpy(np.stack([face for _, face in items]))

    def of(self, index):
        return self.pictures[index].permute(0, 3, 1, 2).float() / 255, self.landmarks[index]

    @torch.no_grad()
    def even_out(self, teachers):
        """Weighs each picture by how rare it is what the teachers read in it."""
        classes = []
        for index in torch.arange(len(self.pictures)).split(256):
            _, first, second = teachers.once(*self.of(index))
            classes.append((evened(first) + evened(second)).argmax(1))
        classes = torch.cat(classes)
        self.weights = torch.bincount(classes, minlength=len(CLASSES)).float()[classes] ** -EVENED

    def changed(self, teachers):
        """FRESH pictures, and where their landmarks are."""
        x, landmarks = self.of(torch.multinomial(self.weights, FRESH))
        x, quarter = photographed(x), FRESH // 4
        share, other = torch.rand(quarter, 1, 1, 1), torch.randperm(FRESH)[:quarter]
        mixed = share * x[:quarter] + (1 - share) * x[other]
        share = share[..., 0]
        landmarks[:quarter] = share * landmarks[:quarter] + (1 - share) * landmarks[other]
        further = pushed(teachers, x[quarter : 2 * quarter], landmarks[quarter : 2 * quarter])
        return torch.cat([mixed, further, x[2 * quarter :]]), landmarks


class Asked:
    """The last changed pictures, and what the teachers say of them: face-api's features, its logits and fer's."""

    def __init__(self, faces, teachers):
        self.faces, self.teachers, self.count = faces, teachers, 0
        self.pictures = torch.empty(KEPT, 3, SIDE, SIDE)
        self.answers = torch.empty(KEPT, Student.FEATURES + 2 * len(CLASSES))
        for _ in range(24):
            self.ask()

    def ask(self):
        """Changes and asks about FRESH more in place of the oldest; says where they are."""
        x, landmarks = self.faces.changed(self.teachers)
        at = torch.arange(self.count, self.count + FRESH) % KEPT
        with torch.no_grad():
            self.pictures[at], self.answers[at] = x, torch.cat(self.teachers.once(x, landmarks), 1)
        self.count += FRESH
        return at

    def batch(self):
        at = torch.cat([self.ask(), torch.randperm(min(self.count, KEPT))[: BATCH - FRESH]])
        return self.pictures[at], self.answers[at]


def train(student, asked, batches, save):
    seen = asked.answers[: asked.count]
    mean, scale = seen.mean(0), seen.std(0) + 1e-3
    mean[Student.FEATURES:] = 0
    logits = [slice(at, at + len(CLASSES)) for at in (Student.FEATURES, Student.FEATURES + len(CLASSES))]
    for of in logits:
        scale[of] = scale[of].square().mean().sqrt()
    student = student.to(memory_format=torch.channels_last)
    average = {name: value.clone() for name, value in student.state_dict().items()}
    optimiser = torch.optim.AdamW(student.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    began = time.monotonic()
    for step in range(1, batches + 1):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / 100) * (1 + math.cos(math.pi * step / batches)) / 2
        x, right = asked.batch()
        right = (right - mean) / scale
        given = student(placed(x).to(memory_format=torch.channels_last))
        error = (given - right).square()
        loss = FEATURE_WEIGHT * error[:, :Student.FEATURES].mean()
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
            print(f"{step} of {batches} batches, {pace:.0f} pictures/s, loss {loss.item():.3f}", flush=True)
        if step % 500 == 0 or step == batches:
            # The layer is kept with the scale of what it regresses.
            layer = {"fc.weight": average["fc.weight"] * scale[:, None], "fc.bias": average["fc.bias"] * scale + mean}
            save({**average, **layer})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=7000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--watch", action="append", default=[], metavar="SET")
    parser.add_argument("sets", nargs="+", metavar="SET")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    student, teachers, faces = Student(), Teachers(), Faces(given.sets)
    faces.even_out(teachers)
    print(f"{len(faces.pictures)} pictures", flush=True)

    def save(tensors):
        part = given.out.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in tensors.items()}, part)
        part.rename(given.out)
        for root in given.watch:
            print_scores(root, list(read(Student.of(tensors), root)))

    train(student, Asked(faces, teachers), given.batches, save)
