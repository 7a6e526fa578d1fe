"""est's networks as other programs can run them: read from what `cargo run -p est-engine --example peers export` wrote,
turned into ONNX, or evaluated in float64."""

import json
from pathlib import Path

import numpy as np


class Network:
    """Nodes in order; tensors by node: est's own graph."""

    def __init__(self, folder, name):
        text = json.loads((Path(folder) / f"{name}.json").read_text())
        data = np.fromfile(Path(folder) / f"{name}.bin", "<f4")
        self.name, self.nodes, self.outputs = name, text["nodes"], text["outputs"]
        for node in self.nodes:
            place = lambda p: data[p["offset"] :][: int(np.prod(p["shape"]))].reshape(p["shape"])
            node["tensors"] = {p["name"].rsplit(".", 1)[1]: place(p) for p in node["parameters"]}
        self.input = next(node for node in self.nodes if node["op"] == "input")


def to_onnx(network):
    """The network in ONNX, opset 17, channels first, any batch; batch norm stays apart: every engine folds it itself."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))

    def window(kernel, stride, padding, **_):
        return dict(kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4)

    for node in network.nodes:
        name, op, a, tensors = node["name"], node["op"], node["attributes"], node["tensors"]
        x = [network.nodes[i]["name"] for i in node["inputs"]]
        parameters = [constant(f"{name}.{key}", tensor) for key, tensor in tensors.items()]
        if op == "conv":
            add("Conv", x + parameters, name, group=a["groups"], **window(**a))
        elif op == "batch_norm":
            add("BatchNormalization", x + parameters, name, epsilon=a["eps"])
        elif op == "leaky_relu" and a["slope"] == 0:
            add("Relu", x, name)
        elif op == "leaky_relu":
            add("LeakyRelu", x, name, alpha=a["slope"])
        elif op == "max_pool":
            add("MaxPool", x, name, **window(**a))
        elif op == "global_average_pool":
            add("GlobalAveragePool", x, f"{name}.square")
            add("Flatten", [f"{name}.square"], name)
        elif op == "upsample_like":
            factor = [node["shape"][k] / network.nodes[node["inputs"][0]]["shape"][k] for k in (1, 2)]
            scales = constant(f"{name}.scales", np.array([1, 1, *factor], np.float32))
            mode = dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
            add("Resize", [x[0], "", scales], name, **mode)
        elif op == "add":
            add("Add", x, name)
        elif op == "concat":
            add("Concat", x, name, axis=1)
        elif op == "softmax":
            add("Softmax", x, name, axis=-1)
        elif op == "cells_to_rows":
            add("Transpose", x, f"{name}.last", perm=[0, 2, 3, 1])
            add("Reshape", [f"{name}.last", constant(f"{name}.rows", np.array([0, -1, a["last"]]))], name)
        elif op != "input":
            raise ValueError(f"{name}: {op}")
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
    outputs = [network.nodes[output["node"]] for output in network.outputs]
    graph = helper.make_graph(
        nodes,
        network.name,
        [value(network.input["name"], network.input["shape"])],
        [value(node["name"], node["shape"]) for node in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def evaluate(network, pictures):
    """The first output for one [channels, height, width] picture after another, in float64: the judge of every engine."""
    return np.stack([_evaluate(network, np.asarray(picture, np.float64)) for picture in pictures])


def _evaluate(network, picture):
    values = {}
    for i, node in enumerate(network.nodes):
        op, a = node["op"], node["attributes"]
        x = [values[k] for k in node["inputs"]]
        tensors = {key: tensor.astype(np.float64) for key, tensor in node["tensors"].items()}
        if op == "input":
            values[i] = picture
        elif op == "conv" and a["groups"] == 1:
            patches = _windows(x[0], a, 0.0)  # [c, h, w, k, k]
            values[i] = np.tensordot(tensors["weight"], patches, axes=([1, 2, 3], [0, 3, 4]))
            if "bias" in tensors:
                values[i] += tensors["bias"][:, None, None]
        elif op == "batch_norm":
            gain = tensors["weight"] / np.sqrt(tensors["running_var"] + a["eps"])
            shift = tensors["bias"] - gain * tensors["running_mean"]
            values[i] = gain[:, None, None] * x[0] + shift[:, None, None]
        elif op == "leaky_relu":
            values[i] = np.where(x[0] > 0, x[0], a["slope"] * x[0])
        elif op == "max_pool":
            values[i] = _windows(x[0], a, -np.inf).max((3, 4))
        elif op == "global_average_pool":
            values[i] = x[0].mean((1, 2))
        elif op == "add":
            values[i] = x[0] + x[1]
        else:
            raise ValueError(f"{node['name']}: {op} of the detector is not evaluated here")
    return values[network.outputs[0]["node"]]


def _windows(x, a, outside):
    p, k, s = a["padding"], a["kernel"], a["stride"]
    padded = np.pad(x, ((0, 0), (p, p), (p, p)), constant_values=outside)
    return np.lib.stride_tricks.sliding_window_view(padded, (k, k), (1, 2))[:, ::s, ::s]
