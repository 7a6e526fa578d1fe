"""PyTorch in float64 on the networks of crates/est-train/tests/ops.rs: outputs, and probes of every gradient. Reads
noise.py; writes ops.safetensors. Run by hand: `python goldens/ops.py` (PyTorch 2.11, safetensors)."""

import copy
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))
from noise import uniform  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

WEIGHTS, INPUTS, BATCH, CLASSES = 3, 5, 3, 3


class Stack(nn.Module):
    """[b t, c, h, w] -> [b, c, t, h, w]"""

    def forward(self, x):
        return x.unflatten(0, (-1, 5)).transpose(1, 2)


class Apart(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2).flatten(0, 1)


class Mean(nn.Module):
    def forward(self, x):
        return x.flatten(2).mean(2)


class Sequence(nn.Module):
    def forward(self, x):
        return x.unflatten(0, (-1, 5))


class Rows(nn.Module):
    """A recurrent layer's rows without its last state. Its tensors are the node's own."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class Network(nn.Module):
    def __init__(self, repeat, item, parts):
        super().__init__()
        self.repeat, self.item, self.names = repeat, item, []
        for name, part in parts:
            self.names.append(name)
            self.add_module(name, part)
        width = self.double().body(torch.zeros(BATCH * repeat, *item, dtype=torch.float64)).flatten(1).shape[1]
        self.head = nn.Linear(width, CLASSES)

    def body(self, x):
        for name in self.names:
            x = getattr(self, name)(x)
        return x

    def forward(self, x):
        y = self.body(x)
        return y, self.head(y.flatten(1))


def case(op, repeat=1, item=(4, 9, 8)):
    return Network(repeat, item, [("op", op)])


def frames(op):
    return Network(5, (4, 7, 6), [("stack", Stack()), ("op", op)])


def conv2d(groups, *window):
    return case(nn.Conv2d(4, 6, *window, groups=groups))


def conv3d(groups, *window):
    return frames(nn.Conv3d(4, 6, *window, groups=groups))


def rows(kind, inputs, layers, both):
    return Rows(kind(inputs, 5, layers, batch_first=True, bidirectional=both))


def networks():
    sequence = {"repeat": 1, "item": (6, 4)}
    yield "conv2d, an oblong kernel", conv2d(1, (3, 1), (2, 1), (1, 0))
    yield "conv2d, groups", conv2d(2, (1, 5), (1, 2), (0, 2))
    yield "conv3d", conv3d(1, 3, 1, 1)
    yield "conv3d, strides", conv3d(1, 3, (2, 2, 1), (1, 1, 0))
    yield "conv3d, along the frames alone", conv3d(1, (3, 1, 1), 1, (1, 0, 0))
    yield "conv3d, within frames alone", conv3d(1, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    yield "conv3d, groups", conv3d(2, (2, 3, 1), 1, (0, 1, 0))
    yield "max pool", case(nn.MaxPool2d((3, 2), (2, 1), (1, 0)))
    yield "max pool of frames", frames(nn.MaxPool3d((2, 3, 2), (2, 2, 1), (0, 1, 0)))
    yield "max pool of frames, padded", frames(nn.MaxPool3d(3, 2, 1))
    yield "average pool", case(nn.AvgPool2d((3, 2), (2, 1), (1, 0)))
    yield "average pool of frames", frames(nn.AvgPool3d(2, (1, 2, 2), (0, 1, 1)))
    yield "mean of an image", case(Mean())
    yield "mean of frames", frames(Mean())
    yield "norm of frames", frames(nn.BatchNorm3d(4))
    yield "transposed", case(nn.ConvTranspose2d(4, 3, (4, 3), (2, 1), (1, 1)))
    yield "transposed, output padding", case(nn.ConvTranspose2d(4, 3, 3, 2, 1, 1))
    yield "lstm", case(rows(nn.LSTM, 4, 1, False), **sequence)
    yield "lstm, two layers, both ways", case(rows(nn.LSTM, 4, 2, True), **sequence)
    yield "gru", case(rows(nn.GRU, 4, 1, False), **sequence)
    yield "gru, two layers, both ways", case(rows(nn.GRU, 4, 2, True), **sequence)
    yield "flattened image", Network(1, (4, 5, 3), [])
    functions = {"elu": nn.ELU(0.7), "tanh": nn.Tanh(), "silu": nn.SiLU(), "gelu": nn.GELU(), "sigmoid": nn.Sigmoid()}
    for name, function in functions.items():
        yield name, case(function)
    yield "a 3-D block and a sequence", Network(5, (4, 7, 6), [
        ("stack", Stack()), ("conv", nn.Conv3d(4, 6, 3, (1, 2, 2), 1)), ("norm", nn.BatchNorm3d(6)), ("relu", nn.ReLU()),
        ("apart", Apart()), ("mean", Mean()), ("sequence", Sequence()), ("lstm", rows(nn.LSTM, 6, 1, True)),
    ])  # fmt: skip


def given(network):
    """As the engine and the learner read it: images channels-last."""
    item, count = network.item, BATCH * network.repeat
    if len(item) == 3:
        x = uniform(INPUTS, "x", (count, *item[1:], item[0]), -1, 1).permute(0, 3, 1, 2)
    else:
        x = uniform(INPUTS, "x", (count, *item), -1, 1)
    return x.to(network.head.weight.dtype)


def channels_last(y):
    return y.movedim(1, -1) if y.dim() > 3 else y


def key(name):
    """Of a module's tensor -> the node's key."""
    return name.replace(".layer.", ".")


def filled(network):
    from noise import parameter

    state = network.state_dict()
    new = {name: parameter(key(name), tuple(value.shape), WEIGHTS) for name, value in state.items()}
    network.load_state_dict(new)
    return network.double().eval()


def probes(tensor):
    """Norm, and the elements at 0, 1/3, 2/3 and the end: as make.py has them."""
    flat = tensor.detach().double().flatten()
    places = [0, len(flat) // 3, 2 * len(flat) // 3, len(flat) - 1]
    return torch.cat([flat.norm()[None], flat[places]])


def answers(network):
    x = given(network)
    with torch.no_grad():
        y, logits = network(x)
    tensors = {"y": channels_last(y), "class_logits": logits}
    network.train()
    F.cross_entropy(network(x)[1], torch.arange(BATCH) % CLASSES).backward()
    return tensors | {f"gradient.{key(name)}": probes(p.grad) for name, p in network.named_parameters()}


def main():
    tensors, worst_output, worst_gradient = {}, 0.0, 0.0
    for name, network in networks():
        network = filled(network)
        f32 = answers(copy.deepcopy(network).float())
        for part, value in answers(network).items():
            size = value[0] if part.startswith("gradient.") else value.abs().max()
            off = ((f32[part].double() - value).abs().max() / size).item()
            if part.startswith("gradient."):
                worst_gradient = max(worst_gradient, off if size > 1e-6 else 0.0)
                if size < 1e-6:
                    print(f"{name}: {part} is rounding alone, norm {size:.1e}")
            else:
                worst_output = max(worst_output, off)
            tensors[f"{name}.{part}"] = value.float().contiguous()
    print(f"float32 off by {worst_output:.1e} of an output's largest, {worst_gradient:.1e} of a gradient's norm")
    path = Path(__file__).with_name("ops.safetensors")
    save_file(tensors, path)
    print(path, path.stat().st_size, "bytes,", len(tensors), "tensors")


main()
