#!/usr/bin/env python3
"""Images per second of ONNX Runtime in float32 on ResNet-18 without its classifier, 224x224: what
`cargo bench -p est-engine` prints of est-engine.

    pip install torch onnx onnxruntime && python tools/bench_onnxruntime.py
"""

import io
import statistics
import time

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

MACS = 1_813_561_344  # convolutions of one picture: est-nets' Convention::Products
ROUNDS = 7  # runs of each setting; the median counts


class Block(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Identity()
        if inputs != width:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Sequential):
    def __init__(self):
        layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        inputs = 64
        for width in (64, 128, 256, 512):
            layers += [Block(inputs, width, width // inputs), Block(width, width, 1)]
            inputs = width
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def main():
    torch.manual_seed(1)
    model = io.BytesIO()
    example = torch.zeros(1, 3, 224, 224)
    torch.onnx.export(
        ResNet18().eval(), (example,), model, input_names=["frames"], dynamic_axes={"frames": [0]}, dynamo=False
    )
    for threads in (1, 2):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(model.getvalue(), options, providers=["CPUExecutionProvider"])
        for batch in (1, 5, 35):
            frames = np.full((batch, 3, 224, 224), 0.5, np.float32)
            seconds = []
            for _ in range(ROUNDS + 1):
                start = time.perf_counter()
                session.run(None, {"frames": frames})
                seconds.append(time.perf_counter() - start)
            rate = batch / statistics.median(seconds[1:])  # the first run allocates
            gflops = rate * 2 * MACS * 1e-9
            print(f"onnxruntime  threads {threads}  batch {batch:2}  {rate:6.1f} images/s  {gflops:6.1f} GFLOP/s", flush=True)


if __name__ == "__main__":
    main()
