"""est's engine against ONNX Runtime and OpenVINO on the same weights, taking turns in one run.

    make bench-peers                    sets everything up, then runs the two below
    python tools/bench/peers.py prepare writes models, quantises, measures errors against float64
    python tools/bench/peers.py judge   measures the errors again
    python tools/bench/peers.py time    takes the times; prints the tables and puts them into docs/performance.md
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import networks
from tables import ROOT, processor, publish, table

FOLDER = ROOT / "target" / "bench-peers"
PICTURES = 6  # judged against float64
ROUNDS = int(os.environ.get("EST_BENCH_ROUNDS", 7))
# Runs a turn, untimed and timed: long enough to forget the engine before, short enough to take many turns.
RUNS = {1: (2, 8), 5: (1, 3), 35: (0, 1)}
PAUSE_S = 0.05  # between turns: threads that spin for more work go to sleep

PEERS = ["onnxruntime", "openvino-f32", "openvino-bf16", "openvino-int8"]
TITLES = {
    "exact": "est exact",
    "default": "est default",
    "onnxruntime": "ONNX Runtime f32",
    "openvino-f32": "OpenVINO f32",
    "openvino-bf16": "OpenVINO bf16",
    "openvino-int8": "OpenVINO int8",
}
# precision -> batch -> [(peers whose best is to be beaten, factor)]
BARS = {
    "exact": {b: [(["onnxruntime", "openvino-f32"], factor)] for b, factor in [(35, 2.0), (5, 1.7), (1, 1.3)]},
    "default": {
        35: [(["openvino-bf16"], 2.0), (["openvino-int8"], 1.15)],
        5: [(["openvino-bf16"], 1.6)],
        1: [(["openvino-bf16"], 1.2)],
    },
}
ERRORS = {"exact": 5e-6, "default": 1.6e-2}
RTX_3090 = 412  # images/s, the paper's


def cargo(*arguments):
    """Builds a program of est-engine and returns its path."""
    command = ["cargo", *arguments, "--locked", "-p", "est-engine", "--message-format", "json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [path for path in (json.loads(line).get("executable") for line in lines) if path][-1]


def example():
    return cargo("build", "--release", "--example", "peers")


def server():
    return cargo("bench", "--bench", "resnet", "--no-run")


def frames(source, count, seconds):
    """`count` crops of 224 x 224 from a picture or video, [count, 3, 224, 224] in [0, 1]."""
    filters = f"{seconds}crop=min(iw\\,ih):min(iw\\,ih),scale=224:224"
    command = ["ffmpeg", "-v", "error", "-i", str(ROOT / "downloads" / source), "-vf", filters, "-frames:v", str(count)]
    raw = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], check=True, stdout=subprocess.PIPE)
    pixels = np.frombuffer(raw.stdout, np.uint8).reshape(-1, 224, 224, 3)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def prepare():
    FOLDER.mkdir(parents=True, exist_ok=True)
    program = example()
    server()
    import onnx

    for name in ("resnet18", "retinaface640x480"):
        subprocess.run([program, "export", name, FOLDER], check=True)
        onnx.save(networks.to_onnx(networks.Network(FOLDER, name)), FOLDER / f"{name}.onnx")
    # Judged: a portrait, and a talking head at several times. Calibrated: other times of the same, and another video.
    judged = np.concatenate([frames("astronaut.png", 1, ""), frames("demo.mp4", PICTURES - 1, "fps=1/4,")])
    shown = np.concatenate([frames("demo.mp4", 24, "fps=2,select='mod(n\\,8)',"), frames("single_face.mp4", 8, "fps=4,")])
    quantise(shown)
    np.save(FOLDER / "judged.npy", judged)
    judge(program, judged)


def quantise(pictures):
    import nncf
    import openvino

    model = openvino.Core().read_model(FOLDER / "resnet18.onnx")
    shown = nncf.Dataset([picture[None] for picture in pictures])
    preset = nncf.QuantizationPreset.MIXED
    quantised = nncf.quantize(model, shown, preset=preset, subset_size=len(pictures))
    openvino.save_model(quantised, FOLDER / "resnet18.int8.xml", compress_to_fp16=False)


def judge(program, pictures):
    """RMS error of each engine's 512 features against float64, relative to the features, and relative to their distance
    from their mean over the pictures: what tells one picture from another."""
    truth = networks.evaluate(networks.Network(FOLDER, "resnet18"), pictures)
    rms = lambda x: float(np.sqrt(np.mean(x**2)))
    error = lambda found: [rms(found - truth) / rms(truth), rms(found - truth) / rms(truth - truth.mean(0))]
    errors = {}
    pictures.transpose(0, 2, 3, 1).astype("<f4").tofile(FOLDER / "judged.bin")
    for precision in ("exact", "default"):
        files = [FOLDER / "judged.bin", FOLDER / "features.bin"]
        subprocess.run([program, "run", "resnet18", precision, str(len(pictures)), *files], check=True)
        errors[precision] = error(np.fromfile(files[1], "<f4").reshape(truth.shape))
    for peer in PEERS:
        with Contestant(peer) as contestant:
            contestant.ask(f"answer {len(pictures)} resnet18 {FOLDER}/judged.npy {FOLDER}/features.npy")
        errors[peer] = error(np.load(FOLDER / "features.npy"))
    (FOLDER / "errors.json").write_text(json.dumps(errors))
    print(errors)


class Contestant:
    """An engine in a process of its own. `variables` are added to its environment."""

    def __init__(self, name, program=None, variables=None):
        est = name in ("exact", "default")
        command = [program or server(), "server"] if est else [sys.executable, Path(__file__).parent / "peer.py", name, FOLDER]
        self.line = f"{{threads}} {{batch}} {name} {{network}}" if est else "time {threads} {batch} {network}"
        environment = {**os.environ, **(variables or {})}
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process = subprocess.Popen(command, text=True, env=environment, **pipes)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        while not (answer := self.process.stdout.readline()).startswith("{"):
            if not answer:
                raise SystemExit(f"{self.process.args}: ended at `{line}`")
        return json.loads(answer)

    def run(self, threads, batch, network):
        """Seconds of one run."""
        answer = self.ask(self.line.format(threads=threads, batch=batch, network=network))
        if "seconds" not in answer:
            raise SystemExit(f"{self.process.args}: {answer}")
        return answer["seconds"]

    def turn(self, threads, batch, network):
        """Median seconds of one turn."""
        untimed, timed = RUNS[batch]
        for _ in range(untimed):
            self.run(threads, batch, network)
        return statistics.median(self.run(threads, batch, network) for _ in range(timed))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def take_turns(contestants, threads, batch, network, rounds=ROUNDS):
    """Seconds of each contestant in every round."""
    for contestant in contestants.values():
        contestant.run(threads, batch, network)  # plans, allocates
    seconds = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            time.sleep(PAUSE_S)
            seconds[name].append(contestant.turn(threads, batch, network))
    return seconds


def rate(seconds, name, batch):
    return batch / statistics.median(seconds[name])


def ratio(seconds, ours, theirs):
    """How much faster `ours` is than the fastest of `theirs`: the median over the rounds."""
    fastest = min(theirs, key=lambda name: statistics.median(seconds[name]))
    return statistics.median(b / a for a, b in zip(seconds[ours], seconds[fastest])), fastest


def verdict(found, bar):
    return f"{found:.2f} ({'pass' if found >= bar else 'miss'}: {bar})"


def measure():
    # Where est was built with, so that nothing is compiled under the clock.
    program, peaks = server(), json.loads(subprocess.run([example(), "peak"], check=True, stdout=subprocess.PIPE).stdout)
    macs = 1_813_561_344  # est-nets' Convention::Products of one picture
    names = ["exact", "default", *PEERS]
    contestants = {name: Contestant(name, program) for name in names}
    rows, shares = [], []
    for threads in (2, 1):
        for batch in (35, 5, 1):
            seconds = take_turns(contestants, threads, batch, "resnet18")
            rates = [f"{rate(seconds, name, batch):.1f}" for name in names]
            verdicts = []
            for precision, bars in BARS.items():
                found = [(*ratio(seconds, precision, theirs), bar) for theirs, bar in bars[batch]]
                verdicts.append("; ".join(f"{verdict(value, bar)} {TITLES[peer]}" for value, peer, bar in found))
                isa = "avx512" if precision == "exact" else "avx512bf16"
                peak = peaks.get(isa) or max(peaks.values())
                shares.append((precision, threads, batch, rate(seconds, precision, batch) * macs / (peak * threads)))
            rows.append([threads, batch, *rates, *verdicts])
            print(*rows[-1], flush=True)
    detector = [detect(contestants, threads) for threads in (2, 1)]
    for contestant in contestants.values():
        contestant.__exit__()
    narrow = avx2(program)
    publish("peers", report(rows, shares, peaks, detector, narrow))


def detect(contestants, threads):
    seconds = take_turns({n: contestants[n] for n in ("exact", "onnxruntime", "openvino-f32")}, threads, 1, "retinaface640x480")
    milliseconds = [f"{1e3 * statistics.median(seconds[name]):.2f}" for name in seconds]
    return [threads, *milliseconds, verdict(ratio(seconds, "exact", ["onnxruntime"])[0], 2.0)]


def avx2(program):
    """est and OpenVINO held to AVX2; ONNX Runtime has no switch and keeps what the processor has."""
    masked = {"EST_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    contestants = {
        "exact": Contestant("exact", program, masked),
        "openvino-f32": Contestant("openvino-f32", variables=masked),
        "onnxruntime": Contestant("onnxruntime"),
    }
    rows = []
    for threads in (2, 1):
        seconds = take_turns(contestants, threads, 35, "resnet18", rounds=5)
        rates = [f"{rate(seconds, name, 35):.1f}" for name in contestants]
        rows.append([threads, *rates, verdict(ratio(seconds, "exact", ["onnxruntime"])[0], 1.0)])
    for contestant in contestants.values():
        contestant.__exit__()
    return rows


def report(rows, shares, peaks, detector, narrow):
    from importlib.metadata import version

    errors = json.loads((FOLDER / "errors.json").read_text())
    versions = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "openvino", "nncf"))
    headers = [TITLES[name] for name in ("exact", "default", *PEERS)]
    passed = [f"{'pass' if errors[p][0] <= ERRORS[p] else 'miss'}: {ERRORS[p]:.1e}" for p in ERRORS]
    error_rows = [
        ["", title, *[f"{errors[name][k]:.1e}" for name in (*ERRORS, *PEERS)], *(passed if k == 0 else ["", ""])]
        for k, title in enumerate(["error", "of differences"])
    ]
    best = max((float(row[3]) for row in rows if row[0] == 2), default=0.0)
    gigas = ", ".join(f"{isa} {peak * 1e-9:.0f}" for isa, peak in peaks.items())
    share = table(
        ["threads", "batch", "exact", "default"],
        [
            [threads, batch, *[f"{100 * s:.0f} %" for p in ERRORS for q, t, b, s in shares if (q, t, b) == (p, threads, batch)]]
            for threads in (2, 1)
            for batch in (35, 5, 1)
        ],
    )
    return "\n\n".join(
        [
            f"ResNet-18 to 512 features, 224 x 224, images/s on {processor()}; {versions}; {time.strftime('%Y-%m-%d')}. "
            f"Contestants take turns, {ROUNDS} rounds; ratios are medians over the rounds. Error: relative RMS of the "
            f"features of {PICTURES} real pictures against float64; of differences: relative to how far the features lie from "
            "their mean over the pictures.",
            table(["threads", "batch", *headers, "exact over the best f32", "default over"], [*rows, *error_rows]),
            f"Best of est on 2 threads: {best:.0f} images/s ({'pass' if best >= RTX_3090 else 'miss'}: {RTX_3090}, the "
            "paper's RTX 3090).",
            f"Share of the register peak that the direct convolutions would need (above 100 % where Winograd's trick saves "
            f"more than overheads cost). Peak of one thread, G multiply-adds/s: {gigas}.",
            share,
            "RetinaFace 640 x 480, one frame, ms; est with drawn weights, on which its time does not depend, the others with the "
            "detector's own:",
            table(["threads", "est", "ONNX Runtime", "OpenVINO f32", "est over ONNX Runtime"], detector),
            "Without AVX-512, batch 35, images/s. est (`EST_ISA=avx2`) and OpenVINO (`ONEDNN_MAX_CPU_ISA=AVX2`) are held to "
            "AVX2; ONNX Runtime chooses by CPUID, has no switch for it and could not be held: it keeps AVX-512, so its "
            "column is harder to beat than was asked.",
            table(["threads", "est exact", "OpenVINO f32", "ONNX Runtime (AVX-512)", "est over ONNX Runtime"], narrow),
        ]
    )


if __name__ == "__main__":
    {"prepare": prepare, "judge": lambda: judge(example(), np.load(FOLDER / "judged.npy")), "time": measure}[sys.argv[1]]()
