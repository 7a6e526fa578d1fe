#!/usr/bin/env python3
"""Images per second of ONNX Runtime in float32 on ResNet-18 without its classifier, 224x224: what
`cargo bench -p est-engine` prints of est-engine.

    pip install torch onnx onnxruntime && python tools/bench_onnxruntime.py
"""

import io
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "goldens"))
from reference import ResNet

MACS = 1_813_561_344  # convolutions of one picture: est-nets' Convention::Products
ROUNDS = 7  # runs of each setting; the median counts


class Features(ResNet):
    """ONNX export calls `forward`."""

    forward = ResNet.features


def main():
    torch.manual_seed(1)
    model = io.BytesIO()
    example = torch.zeros(1, 3, 224, 224)
    torch.onnx.export(
        Features().eval(), (example,), model, input_names=["frames"], dynamic_axes={"frames": [0]}, dynamo=False
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
