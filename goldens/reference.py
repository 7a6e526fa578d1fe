"""The networks of docs/spec.md, section 2, and RetinaFace MobileNet-0.25 in torch.nn, as plainly as possible.

Module names equal the checkpoints' keys. Nothing here is fast and nothing is shared with the Rust side: it is the other
opinion that est-nets and est-engine are held against.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

# --- Frame encoder -----------------------------------------------------------------------------------------------


class Block(nn.Module):
    """Two 3x3 convolutions (ResNet-18, 34)."""

    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride (torchvision's "v1.5"), 1x1 to four times the width (ResNet-50)."""

    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def shortcut(inputs, outputs, stride):
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


RESNETS = {18: (Block, [2, 2, 2, 2]), 34: (Block, [3, 4, 6, 3]), 50: (Bottleneck, [3, 4, 6, 3])}


class ResNet(nn.Module):
    """Pictures [b, 3, h, w] -> features [b, d], d = 512 or 2048. No fc layer."""

    def __init__(self, depth=18):
        super().__init__()
        block, counts = RESNETS[depth]
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(counts):
            width, blocks = 64 << stage, []
            for k in range(count):
                blocks.append(block(inputs, width, 2 if stage > 0 and k == 0 else 1))
                inputs = width * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.width = inputs

    def features(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return x.mean(dim=(2, 3))


class Unit(nn.Module):
    """A separable convolution, or a plain one of pictures, and batch norm."""

    def __init__(self, inputs, outputs, stride=1, plain=False):
        super().__init__()
        if plain:
            self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        else:
            self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
            self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x) if hasattr(self, "conv") else self.pointwise(self.depthwise(x)))


class Separable16(nn.Module):
    """Pictures [b, 3, h, w] -> features [b, 256]."""

    width = 256

    def __init__(self):
        super().__init__()
        inputs = 3
        for stage in range(1, 5):
            outputs = 16 << stage
            units = [Unit(inputs, outputs, 2, plain=stage == 1), *(Unit(outputs, outputs) for _ in range(3))]
            setattr(self, f"stage{stage}", nn.Sequential(*units))
            inputs = outputs

    def maps(self, x):
        """What each stage gives, [b, 32 to 256, h / 2 to h / 16, w / 2 to w / 16]."""
        maps = []
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            total = x = F.relu(stage[0](x))
            for unit in stage[1:]:
                total = total + unit(x)
                x = F.relu(total)
            maps.append(x)
        return maps

    def features(self, x):
        return self.maps(x)[-1].mean(dim=(2, 3))


# --- EST ---------------------------------------------------------------------------------------------------------


def sine_table(rows, d):
    """[rows, d] in float64: sine in even columns, cosine in odd ones."""
    column = torch.arange(d, dtype=torch.float64)
    rate = 10000.0 ** (-2.0 * torch.div(column, 2, rounding_mode="floor") / d)
    angle = torch.arange(rows, dtype=torch.float64)[:, None] * rate
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())


class Positions(nn.Module):
    def __init__(self, snippets, d):
        super().__init__()
        self.pos_enc = nn.Embedding.from_pretrained(sine_table(snippets, d).float(), freeze=True)


class Ssop(nn.Module):
    def __init__(self, snippets, d, orders):
        super().__init__()
        self.classifier = nn.Sequential(
            nn.Linear(snippets * d, 2048), nn.BatchNorm1d(2048), nn.ReLU(),
            nn.Linear(2048, 512), nn.BatchNorm1d(512), nn.ReLU(),
            nn.Linear(512, orders),
        )  # fmt: skip


SNIPPET_FEATURES = ("none", "self_attention", "squeeze_excite", "hierarchical")


class Est(ResNet):
    """`snippet_features` is one of SNIPPET_FEATURES (Table 6); `hierarchical` is the paper's AA-SFE."""

    def __init__(self, classes=7, snippets=7, orders=10, depth=18, snippet_features="hierarchical"):
        super().__init__(depth)
        assert snippet_features in SNIPPET_FEATURES
        d = self.width
        self.kind = snippet_features
        if self.kind != "none":
            self.attn = nn.MultiheadAttention(d, 4, dropout=0.1, batch_first=True)
            self.norm1 = nn.LayerNorm(d)
        if self.kind == "squeeze_excite":
            self.se = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d), nn.Sigmoid())
        self.transformer = nn.Transformer(d, 4, 3, 3, 2048, dropout=0.1, batch_first=True)
        self.query_embed = nn.Embedding(1, d)
        self.pos_enc = Positions(snippets, d)
        self.per_branch = Ssop(snippets, d, orders)
        self.classifier = nn.Sequential(
            nn.Linear(d, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
            nn.Dropout(0.4), nn.Sequential(nn.Linear(64, classes)),
        )  # fmt: skip

    def snippet(self, frames):
        """Frame features [n, j, d] -> snippet features R [n, d]."""
        if self.kind == "none":
            return frames.mean(1)
        attended = self.norm1(frames + self.attn(frames, frames, frames, need_weights=False)[0])
        if self.kind == "self_attention":
            return attended.mean(1)
        if self.kind == "squeeze_excite":
            return (self.se(attended.mean(1))[:, None, :] * attended).mean(1)
        # The clamp keeps every frame's share positive: a frame pointing away from the maximum counts as nothing.
        weight = F.cosine_similarity(attended, attended.amax(1, keepdim=True), dim=2).clamp(min=1e-8)
        return (weight[:, :, None] * attended).sum(1) / weight.sum(1, keepdim=True)

    def clip(self, frames, order=None):
        """Frame features [n, j, d] of one clip -> every stage's output. `order`: new position k holds snippet
        order[k], and its position row goes with it."""
        order = list(range(len(frames))) if order is None else order
        snippets = self.snippet(frames)[order]
        memory = self.transformer.encoder((snippets + self.pos_enc.pos_enc.weight[order])[None])
        emotion = self.transformer.decoder(self.query_embed.weight[None], memory)[0, 0]
        return {
            "snippets": snippets,
            "memory": memory[0],
            "emotion": emotion,
            "class_logits": self.classifier(emotion),
            "order_logits": self.per_branch.classifier((snippets + emotion).reshape(1, -1))[0],
        }

    def batch(self, frames, order):
        """Pictures [b n j, 3, h, w] of b clips whose snippets stand in `order` [b, n] -> class logits, order logits. In
        training mode batch norms see the whole batch."""
        b, n = order.shape
        features = self.features(frames)
        snippets = self.snippet(features.reshape(b * n, -1, self.width)).reshape(b, n, -1)
        memory = self.transformer.encoder(snippets + self.pos_enc.pos_enc.weight[order])
        emotion = self.transformer.decoder(self.query_embed.weight.expand(b, 1, -1), memory)  # [b, 1, d]
        seen = (snippets.detach() + emotion).flatten(1)
        return self.classifier(emotion[:, 0]), self.per_branch.classifier(seen)


# --- RetinaFace MobileNet-0.25 -----------------------------------------------------------------------------------


def conv_bn(inputs, outputs, kernel=3, stride=1, activate=True):
    parts = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, *([nn.LeakyReLU(0.1)] if activate else []))


def depthwise(inputs, outputs, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.LeakyReLU(0.1),
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1),
    )  # fmt: skip


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1 = nn.Sequential(
            conv_bn(3, 8, stride=2), depthwise(8, 16), depthwise(16, 32, 2), depthwise(32, 32),
            depthwise(32, 64, 2), depthwise(64, 64),
        )  # fmt: skip
        self.stage2 = nn.Sequential(depthwise(64, 128, 2), *[depthwise(128, 128) for _ in range(5)])
        self.stage3 = nn.Sequential(depthwise(128, 256, 2), depthwise(256, 256))


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.output1 = conv_bn(64, 64, 1)
        self.output2 = conv_bn(128, 64, 1)
        self.output3 = conv_bn(256, 64, 1)
        self.merge1 = conv_bn(64, 64)
        self.merge2 = conv_bn(64, 64)

    def forward(self, fine, middle, coarse):
        coarse = self.output3(coarse)
        middle = self.output2(middle)
        middle = self.merge2(middle + F.interpolate(coarse, size=middle.shape[2:], mode="nearest"))
        fine = self.output1(fine)
        fine = self.merge1(fine + F.interpolate(middle, size=fine.shape[2:], mode="nearest"))
        return fine, middle, coarse


class Context(nn.Module):
    """SSH: 3x3, 5x5 (two 3x3) and 7x7 (three 3x3) views of one level, side by side. The spelling of the names is the
    checkpoint's."""

    def __init__(self):
        super().__init__()
        self.conv3X3 = conv_bn(64, 32, activate=False)
        self.conv5X5_1 = conv_bn(64, 16)
        self.conv5X5_2 = conv_bn(16, 16, activate=False)
        self.conv7X7_2 = conv_bn(16, 16)
        self.conv7x7_3 = conv_bn(16, 16, activate=False)

    def forward(self, x):
        half = self.conv5X5_1(x)
        return F.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(half), self.conv7x7_3(self.conv7X7_2(half))], 1))


class Head(nn.Module):
    """[b, 64, h, w] -> [b, h * w * 2, values]: cells row by row, the small anchor of a cell before the large one."""

    def __init__(self, values):
        super().__init__()
        self.values = values
        self.conv1x1 = nn.Conv2d(64, 2 * values, 1)

    def forward(self, x):
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(len(x), -1, self.values)


class RetinaFace(nn.Module):
    """Pictures [b, 3 (blue, green, red), h, w] minus MEAN -> raw (before softmax and decode) `loc` [b, a, 4], `conf`
    [b, a, 2], `landmarks` [b, a, 10]; anchors of stride 8, then 16, then 32."""

    MEAN = (104.0, 117.0, 123.0)  # blue, green, red
    ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))  # stride, sides in pixels

    def __init__(self):
        super().__init__()
        self.body = Body()
        self.fpn = Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = Context(), Context(), Context()
        self.ClassHead = nn.ModuleList([Head(2) for _ in range(3)])
        self.BboxHead = nn.ModuleList([Head(4) for _ in range(3)])
        self.LandmarkHead = nn.ModuleList([Head(10) for _ in range(3)])

    def forward(self, x):
        fine = self.body.stage1(x)
        middle = self.body.stage2(fine)
        levels = self.fpn(fine, middle, self.body.stage3(middle))
        levels = [ssh(level) for ssh, level in zip((self.ssh1, self.ssh2, self.ssh3), levels)]
        loc, conf, landmarks = (
            torch.cat([head(level) for head, level in zip(heads, levels)], 1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return {"loc": loc, "conf": conf, "landmarks": landmarks}

    @classmethod
    def anchors(cls, height, width):
        """[a, 3]: centre x, centre y, side, in pixels."""
        rows = []
        for stride, sides in cls.ANCHORS:
            for y in range(math.ceil(height / stride)):
                for x in range(math.ceil(width / stride)):
                    rows += [((x + 0.5) * stride, (y + 0.5) * stride, side) for side in sides]
        return torch.tensor(rows, dtype=torch.float64)


def decode(raw, height, width, threshold=0.5, overlap=0.4):
    """Raw outputs of one picture -> faces above `threshold`, best first, those that overlap a better one dropped:
    `boxes` [f, 4] (left, top, right, bottom in pixels), `scores` [f], `points` [f, 5, 2] (x, y)."""
    anchors = RetinaFace.anchors(height, width)
    centre, side = anchors[:, :2], anchors[:, 2:]
    middle = centre + raw["loc"][:, :2] * 0.1 * side
    size = side * torch.exp(raw["loc"][:, 2:] * 0.2)
    boxes = torch.cat([middle - size / 2, middle + size / 2], 1)
    points = centre[:, None] + raw["landmarks"].reshape(-1, 5, 2) * 0.1 * side[:, None]
    scores = raw["conf"].softmax(1)[:, 1]

    kept = []
    for k in scores.argsort(descending=True).tolist():
        if scores[k] > threshold and all(intersection_over_union(boxes[k], boxes[o]) <= overlap for o in kept):
            kept.append(k)
    return {"boxes": boxes[kept], "scores": scores[kept], "points": points[kept]}


def intersection_over_union(a, b):
    side = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0)
    shared = side.prod()
    return shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)
