"""How the pictures of encoder.py are changed: pictures are [n, 3, 112, 112] in [0, 1], landmarks [n, 5, 2] in sides of the
picture. The teachers are asked about what comes out, so that nothing need stay true but that it is a face."""
import math

import torch
import torch.nn.functional as F

from networks import CLASSES, GREY, Teachers

SIDE = 112


def uniform(n, least, most):
    return least + (most - least) * torch.rand(n, 1, 1, 1)


def photographed(x):
    """Pictures [n, 3, h, w] in [0, 1] under other light, with other colours, less sharp or noisier."""
    n = len(x)
    grey = (x * GREY).sum(1, keepdim=True)
    saturation = torch.where(torch.rand(n, 1, 1, 1) < 0.4, torch.zeros(n, 1, 1, 1), uniform(n, 0.4, 1.5))
    x = (grey + (x - grey) * saturation) * uniform(n, 0.55, 1.45)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (mean + (x - mean) * uniform(n, 0.5, 1.5)).clamp(0, 1)
    blurred, noisy = torch.randperm(n)[: 2 * (n // 3)].chunk(2)
    small = int(SIDE / (1.2 + 2 * torch.rand(()).item()))
    coarse = F.interpolate(x[blurred], size=small, mode="bilinear", antialias=True)
    x[blurred] = F.interpolate(coarse, size=SIDE, mode="bilinear")
    x[noisy] += torch.randn_like(x[noisy]) * uniform(len(noisy), 0, 0.06)
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.3, x.clamp_min(1e-4) ** uniform(n, 0.6, 1.6), x)
    return x.clamp(0, 1)


def placed(x):
    """The faces elsewhere, larger or smaller, turned, mirrored; one in five with a grey rectangle."""
    n = len(x)
    varied = lambda: 0.15 * (2 * torch.rand(n) - 1)
    zoom, turn, mirror = 1 / (1 + varied()), varied(), torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    rows = [
        torch.stack([zoom * turn.cos() * mirror, -zoom * turn.sin(), varied()], 1),
        torch.stack([zoom * turn.sin() * mirror, zoom * turn.cos(), varied()], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), x.shape, align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    for i in (torch.rand(n) < 0.2).nonzero().flatten().tolist():
        w, h = (int(SIDE * math.sqrt(0.02 + 0.18 * share)) for share in torch.rand(2).tolist())
        left, top = int(torch.rand(()) * (SIDE - w)), int(torch.rand(()) * (SIDE - h))
        x[i, :, top : top + h, left : left + w] = 0.5
    return x


def smooth(x):
    """With a Gaussian of two pixels."""
    kernel = torch.exp(-torch.arange(-5.0, 6.0) ** 2 / 8)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, 11)
    flat = x.reshape(-1, 1, *x.shape[2:])
    flat = F.conv2d(F.conv2d(flat, kernel, padding=(0, 5)), kernel.transpose(2, 3), padding=(5, 0))
    return flat.reshape(x.shape)


@torch.enable_grad()
def pushed(teachers, x, landmarks):
    """Two smooth steps towards a class drawn for each."""
    towards = torch.randint(len(CLASSES), (len(x), 1))
    for _ in range(2):
        x = x.detach().requires_grad_(True)
        _, first, second = teachers.once(x, landmarks)
        gained = (first + second).log_softmax(1).gather(1, towards).sum()
        step = smooth(torch.autograd.grad(gained, x)[0])
        step = step / (step.flatten(1).std(1).view(-1, 1, 1, 1) + 1e-9)
        x = (x.detach() + step * uniform(len(x), 0.01, 0.07)).clamp(0, 1)
    return x.detach()


def field(n, channels, cells):
    """Smooth random fields [n, channels, SIDE, SIDE] of that many cells a side, about standard normal."""
    coarse = torch.randn(n, channels, cells, cells)
    return F.interpolate(coarse, size=SIDE, mode="bicubic", align_corners=True)


def plain_grid(n):
    return F.affine_grid(torch.eye(2, 3).expand(n, 2, 3), (n, 1, SIDE, SIDE), align_corners=False)


def warped(x):
    """Stretched and bent smoothly: other heads, mouths and brows. By six pixels where it is most; landmarks are left where they
    were, for the teachers' cuts are drawn with more play than that."""
    n = len(x)
    amount = torch.rand(n, 1, 1, 1)
    bend = amount * (0.08 * field(n, 2, 3) + 0.035 * field(n, 2, 7))
    return F.grid_sample(x, plain_grid(n) + bend.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)


def shaded(x):
    """Two in five with smooth light and shadow."""
    depth = torch.where(torch.rand(len(x), 1, 1, 1) < 0.4, uniform(len(x), 0.1, 0.5), torch.zeros(len(x), 1, 1, 1))
    return (x * (depth * field(len(x), 1, 4)).exp()).clamp(0, 1)


def onto(x, landmarks, others):
    """Faces `x` moved and scaled so that their eyes and mouths lie where those of the landmarks `others` do."""
    (_, middle, unit), (_, middle_of, unit_of) = Teachers.measured(landmarks), Teachers.measured(others)
    scale = unit / unit_of
    grid = plain_grid(len(x)) - (2 * middle_of - 1)[:, None, None]
    grid = grid * scale[:, None, None] + (2 * middle - 1)[:, None, None]
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def coloured(x, others):
    """`x` with the colours that `others` have about the middle."""
    inner = slice(SIDE // 3, -SIDE // 3)
    (deviation, mean), (deviation_of, mean_of) = (
        torch.std_mean(of[:, :, inner, inner], (2, 3), keepdim=True) for of in (x, others)
    )
    return ((x - mean) * (deviation_of / (deviation + 0.02)).clamp(0.5, 2) + mean_of).clamp(0, 1)


def joined(x, landmarks, others, others_landmarks):
    """Of two faces one: a third throughout, a third the eyes of one and the mouth of the other, a third in patches; the edges
    are soft. Keeps the landmarks of `x`, on which the other is laid."""
    n, third = len(x), len(x) // 3
    share = torch.rand(n, 1, 1, 1).expand(n, 1, SIDE, SIDE).clone()
    _, middle, unit = (of[:third] for of in Teachers.measured(landmarks))
    rows = ((torch.arange(SIDE) + 0.5) / SIDE).view(1, 1, SIDE, 1)
    edge = (middle[:, 1:] + unit * (torch.rand(third, 1) - 0.4) * 0.5).view(-1, 1, 1, 1)
    share[:third] = ((rows - edge + 0.03 * field(third, 1, 4)) / 0.03).sigmoid()
    share[third : 2 * third] = (4 * field(third, 1, 5)).sigmoid()
    return share * x + (1 - share) * coloured(onto(others, others_landmarks, landmarks), x)


def surrounded(x, landmarks):
    """Three in ten before something else: beyond a soft oval around the face all is of other colours."""
    n = len(x)
    _, middle, unit = Teachers.measured(landmarks)
    from_middle = (plain_grid(n) + 1) / 2 - middle[:, None, None]
    from_middle = from_middle / (unit * torch.cat([uniform(n, 1.1, 1.5), uniform(n, 1.5, 2.0)], 1)[..., 0, 0])[:, None, None]
    inside = ((1 - from_middle.norm(dim=3)[:, None]) / 0.08).sigmoid()
    inside = torch.where(torch.rand(n, 1, 1, 1) < 0.3, inside, torch.ones_like(inside))
    ground = uniform(n, 0, 1) + uniform(n, 0, 0.3) * (field(n, 3, 5) + 2 * (field(n, 1, 9) > 1))
    return inside * x + (1 - inside) * ground.clamp(0, 1)
