"""The .pth files that est_nets' reader is tested with."""

import math
import os
from collections import OrderedDict

import torch
from torch import nn

from noise import fnv1a, parameter, uniform

SEED = 2
LARGEST_STORAGE = 8192  # floats


class SavedFromGpu:
    """While active, torch.save labels storages `cuda:0`, as in the authors' files, although they lie in memory."""

    def __enter__(self):
        self.before = list(torch.serialization._package_registry)
        torch.serialization.register_package(0, lambda storage: "cuda:0", lambda storage, location: None)

    def __exit__(self, *_):
        torch.serialization._package_registry[:] = self.before


class Storages:
    """Named storages of noise, each used by many overlapping tensors."""

    def __init__(self):
        self.made = {}

    def view(self, storage, size, low, high, name, shape, stride):
        """A tensor of `storage` (made when first named) at an offset that depends on the tensor's name."""
        if storage not in self.made:
            self.made[storage] = uniform(SEED, f"storage.{storage}", (size,), low, high)
        reach = sum((extent - 1) * step for extent, step in zip(shape, stride)) + 1
        offset = int(fnv1a(name)) % (size - reach + 1)
        return self.made[storage].as_strided(shape, stride, offset)


def strides(name, shape):
    """Rows overlap: row i starts `step` elements after row i - 1, so no two are equal and none is contiguous with the
    next. Some inner layouts are not row-major: channels-last for every conv2, transposed for out_proj."""
    row = math.prod(shape[1:])
    step = next(step for step in (7, 5, 3, 2) if step * (shape[0] - 1) + row <= LARGEST_STORAGE - 512)
    if len(shape) == 4 and name.endswith("conv2.weight"):
        _, channels, _, width = shape
        return (step, 1, width * channels, channels)
    if name.endswith("out_proj.weight"):
        return (1, step)
    inner = [math.prod(shape[axis + 1 :]) for axis in range(1, len(shape))]
    return (step, *inner)


def authors_state(model):
    """A value for every key of `model` (171 MB) as views of storages of half a megabyte in all."""
    storages, counters = Storages(), torch.arange(1, 65)
    state = OrderedDict()
    for name, value in model.state_dict().items():
        shape = tuple(value.shape)
        if name.endswith("num_batches_tracked"):
            state[name] = counters.as_strided((), (), int(fnv1a(name)) % 64)
        elif name in ("pos_enc.pos_enc.weight", "query_embed.weight"):
            state[name] = parameter(name, shape, SEED)
        elif len(shape) >= 2:
            fan_in = math.prod(shape[1:])
            bound = math.sqrt((3.5 if len(shape) == 4 else 6.0) / fan_in)
            kind = f"{len(shape)}d.{fan_in}"
            state[name] = storages.view(kind, LARGEST_STORAGE, -bound, bound, name, shape, strides(name, shape))
        else:
            kind, low, high = next(
                (kind, low, high)
                for kind, low, high in (
                    ("running_var", 0.5, 1.5), ("running_mean", -0.2, 0.2), ("weight", 0.5, 1.5), ("bias", -0.1, 0.1),
                )
                if name.endswith(kind)
            )  # fmt: skip
            state[name] = storages.view(kind, 4096, low, high, name, shape, (1,))
    return state


def write_authors_checkpoint(path, model):
    """The authors' layout: {epoch, state_dict, prec1}, keys under `module.`, saved on a GPU. Returns the state."""
    state = authors_state(model)
    prefixed = OrderedDict((f"module.{name}", value) for name, value in state.items())
    prefixed._metadata = OrderedDict([("", {"version": 1}), ("module", {"version": 1})])
    with SavedFromGpu():
        torch.save({"epoch": 137, "state_dict": prefixed, "prec1": torch.tensor(54.26)}, path)
    print(f"{path.name}: {path.stat().st_size} bytes")
    again = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    assert all(torch.equal(again[f"module.{name}"], value) for name, value in state.items())
    return state


def plain_tensors():
    """What a reader meets: every number type, views that are not row-major, storages used twice, odd shapes."""
    numbers = uniform(SEED, "plain", (120,), -2.0, 2.0)
    whole = uniform(SEED, "whole", (10,), -2.0, 2.0)
    state = OrderedDict(
        f32=numbers[:12].reshape(3, 4).clone(),
        f16=numbers[:5].half(),
        bf16=numbers[:6].reshape(2, 3).bfloat16(),
        f64=numbers[:4].reshape(2, 2).double() / 3,
        i64=torch.tensor([0, -1, 2**24, -(2**20)]),
        transposed=numbers[:12].reshape(4, 3).clone().t(),
        channels_last=numbers.reshape(2, 3, 4, 5).to(memory_format=torch.channels_last),
        expanded=numbers[:3].clone()[:, None].expand(3, 4),
        whole=whole,
        tail=whole[4:],
        every_third=whole[1::3],
        parameter=nn.Parameter(numbers[:6].reshape(2, 3).clone()),
        frozen=nn.Parameter(numbers[6:8].clone(), requires_grad=False),
        scalar=torch.tensor(0.75),
        count=torch.tensor(1000),
        empty=torch.zeros(0),
        empty_rows=torch.zeros(0, 3),
    )
    state._metadata = OrderedDict([("", {"version": 1}), ("bn", {"version": 2})])
    return state


class Malicious:
    """Unpickled by an unsuspecting reader, this runs a command."""

    def __reduce__(self):
        return os.system, ("touch est-pickle-was-executed",)


def write_reader_files(folder):
    """The small files; returns what a reader should find in plain_*.pth, and, under `wrapped.`, in wrapped_legacy.pth,
    all as contiguous float32."""
    state = plain_tensors()
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    module.load_state_dict({k: parameter(k, tuple(v.shape), SEED) for k, v in module.state_dict().items()})
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-4, weight_decay=1e-4)
    with torch.enable_grad():
        module(uniform(SEED, "input", (4, 3), 0, 1)).square().sum().backward()
    optimiser.step()  # so that its state holds tensors too
    module_state = module.state_dict()
    wrapped = {
        "epoch": 3,
        "state_dict": OrderedDict((f"module.{key}", value) for key, value in module_state.items()),
        "prec1": 54.26,
        "optimizer": optimiser.state_dict(),
    }
    files = {
        "plain_zip.pth": (state, True),
        "plain_legacy.pth": (state, False),
        "wrapped_legacy.pth": (wrapped, False),
        "whole_module.pth": (module, True),
        "malicious_zip.pth": ({"weight": state["f32"], "bias": Malicious()}, True),
        "malicious_legacy.pth": ({"weight": state["f32"], "bias": Malicious()}, False),
    }
    for name, (content, zipped) in files.items():
        torch.save(content, folder / name, _use_new_zipfile_serialization=zipped)
        print(f"{name}: {(folder / name).stat().st_size} bytes")
    expected = dict(state) | {f"wrapped.{key}": value for key, value in module_state.items()}
    return {key: value.detach().float().contiguous().clone() for key, value in expected.items()}
