"""The weights and pictures that both sides make for themselves: est_nets::noise and est_goldens::{fill, frame_pixels}
are the same formulas in Rust."""

import math

import numpy as np
import torch

from reference import sine_table


def mix(x):
    """splitmix64 of an array of u64."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return np.uint64(h)


def unit(seed, name, count):
    """Elements 0..count of the stream (seed, name), f64 in [0, 1)."""
    with np.errstate(over="ignore"):  # wrapping arithmetic is meant
        start = fnv1a(name) ^ mix(np.uint64(seed))
        z = mix(start + np.arange(count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**24


def uniform(seed, name, shape, low, high):
    values = low + (high - low) * unit(seed, name, math.prod(shape))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def parameter(name, shape, seed):
    if name.endswith("num_batches_tracked"):
        return torch.ones(shape, dtype=torch.int64)
    if name.endswith("running_var"):
        return uniform(seed, name, shape, 0.5, 1.5)
    if name.endswith("running_mean"):
        return uniform(seed, name, shape, -0.2, 0.2)
    if name == "pos_enc.pos_enc.weight":
        return sine_table(*shape).float()
    if name == "query_embed.weight":
        return uniform(seed, name, shape, -1.7, 1.7)
    if len(shape) >= 2:
        # Kaiming's 6 would let the convolutions' outputs grow with depth, since evaluation does not normalise:
        # features of 14, 1000 and 2000 in ResNet-18, 34 and 50. 3.5 gives 1, 7 and 4.
        bound = math.sqrt((3.5 if len(shape) == 4 else 6.0) / math.prod(shape[1:]))
        return uniform(seed, name, shape, -bound, bound)
    return uniform(seed, name, shape, 0.5, 1.5) if name.endswith("weight") else uniform(seed, name, shape, -0.1, 0.1)


def fill(module, seed):
    """Gives every parameter and buffer of `module` its golden value; returns the module in float64, in eval mode."""
    state = {name: parameter(name, tuple(value.shape), seed) for name, value in module.state_dict().items()}
    module.load_state_dict(state)
    return module.double().eval()


def frame_pixels(frame, width, height):
    """[height, width, 3] u8, RGB: slanted waves and an xor texture that move, and a brightness of each channel that
    changes with every frame, because a random network's pooled features hardly see movement."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    phase = (x * (3 + c) + y * (5 - c) + 7 * frame * (c + 1)) & 511
    wave = np.minimum(phase, 511 - phase)
    texture = ((x + 2 * frame) ^ (y + frame * (c + 1))) & 255
    gain = 24 + ((37 + 18 * c) * frame + 71 * c) % 232
    return (((3 * wave + texture) >> 2) * gain >> 8).astype(np.uint8)
