#!/usr/bin/env python3
"""PyTorch's side of `make bench-train`: one training step of 8 clips of EST (280 crops of 224 pixels) for each line on
standard input; prints its seconds. Channels-last, residual activations in place, Adam as it comes; `bf16` under autocast.

    python tools/bench_train.py f32|bf16
"""

import contextlib
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "goldens"))
import reference


def in_place():
    """The reference is written for clarity; PyTorch's own ResNet overwrites what its ReLUs read."""
    relu = F.relu
    reference.F.relu = lambda x, inplace=True: relu(x, inplace=True)


def main():
    precision = sys.argv[1]
    torch.manual_seed(1)
    in_place()
    model = reference.Est().to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
    pixels = torch.randint(0, 256, (280, 224, 224, 3), dtype=torch.uint8)
    order = torch.stack([torch.randperm(7) for _ in range(8)])
    classes, orders = torch.randint(0, 7, (8,)), torch.randint(0, 10, (8,))
    for _ in sys.stdin:
        started = time.perf_counter()
        frames = pixels.permute(0, 3, 1, 2).float().div_(255)
        autocast = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
        with autocast:
            class_logits, order_logits = model.batch(frames, order)
            loss = F.cross_entropy(class_logits, classes) + F.cross_entropy(order_logits, orders) / 7
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
