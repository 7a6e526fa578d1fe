#!/usr/bin/env bash
# OpenVINO's CPU plugin makes numbers of NaN; ONNX Runtime does so in MaxPool alone.
# Found 2026-11-30 with openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, on x86-64.
#
# Expected: NaN that enters an element-wise operation comes out as NaN (IEEE 754; PyTorch and NumPy do so), so that a broken
#   checkpoint (negative batch-norm variance, overflow in half precision) shows in the answer.
# Seen: on [NaN, -1, 2, inf]
#   | operation | ONNX Runtime | OpenVINO |
#   | Relu, Max(x, 0), Clip(0, 6) | NaN first | 0 first |
#   | Min(x, 0) | NaN first | 0 first |
#   | Exp | NaN first | inf first |
#   | ReduceMax | NaN | inf (the NaN is passed over) |
#   | MaxPool of two | -1, 2, inf (the NaN is passed over) | the same |
#   | Sigmoid, LeakyRelu, Abs | NaN first | NaN first |
#   So a network with a Relu after the broken layer gives finite, confident logits in OpenVINO: comparing two engines' answers,
#   or looking for NaN at the output, finds nothing. Look at the weights, or at the inner values of an engine that keeps NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

nan, inf = np.nan, np.inf
values = np.array([[nan, -1, 2, inf]], np.float32)
zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
low, high = (helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in (("low", 0.0), ("high", 6.0)))
# operation, attributes, further inputs, first value of ONNX Runtime, of OpenVINO
table = [
    ("Relu", {}, [], nan, 0.0),
    ("Max", {}, [zero], nan, 0.0),
    ("Min", {}, [zero], nan, 0.0),
    ("Clip", {}, [low, high], nan, 0.0),
    ("Exp", {}, [], nan, inf),
    ("ReduceMax", {"keepdims": 0}, [], nan, inf),
    ("MaxPool", {"kernel_shape": [1, 2]}, [], -1.0, -1.0),
    ("Sigmoid", {}, [], nan, nan),
    ("LeakyRelu", {}, [], nan, nan),
    ("Abs", {}, [], nan, nan),
]
for name, attributes, more, *want in table:
    given = values.reshape(1, 1, 1, 4) if name == "MaxPool" else values
    node = helper.make_node(name, ["x", *(tensor.name for tensor in more)], ["y"], **attributes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, given.shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "one", inputs, outputs, more)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, "one.onnx")
    session = onnxruntime.InferenceSession("one.onnx", providers=["CPUExecutionProvider"])
    seen = [
        float(np.ravel(session.run(None, {"x": given})[0])[0]),
        float(np.ravel(openvino.Core().compile_model("one.onnx", "CPU")([given])[0])[0]),
    ]
    print(f"{name}: ONNX Runtime {seen[0]}, OpenVINO {seen[1]}")
    assert np.array_equal(seen, want, equal_nan=True), f"{name} is computed otherwise now: expected {want}"
PYTHON
