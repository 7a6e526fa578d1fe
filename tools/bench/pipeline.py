"""`est predict` end to end on real videos, beside PyPI's `fer`.

    make bench-pipeline                    sets everything up, then runs the two below
    python tools/bench/pipeline.py prepare makes the videos and a weights file
    python tools/bench/pipeline.py time    takes the times; prints the tables and puts them into docs/performance.md

Every figure is the median of the runs, which take turns."""

import json
import os
import statistics
import subprocess
import sys
import time

from tables import ROOT, processor, publish, table

FOLDER = ROOT / "target" / "bench-pipeline"
EST = ROOT / "target" / "release" / "est"
FER = ROOT / "target" / "fer-venv" / "bin" / "python"
# The preset `paper` with drawn weights, crops of 224 pixels; and what is used when no weights are given, crops of 112.
PAPER = FOLDER / "model.est"
DEFAULT = ROOT / "weights" / "est-default.est"
RUNS = 3
FER_SECONDS = 10  # of each video
FPS = 25
# name -> filters on downloads/demo.mp4 (640 x 360, one face), which is played at 25 frames/s.
VIDEOS = {
    "640x480": "scale=-2:480,crop=640:480",
    "1280x720": "scale=1280:720",
    "clip": "trim=end_frame=100,scale=-2:480,crop=640:480",
}
STAGES = ["decode", "detect", "track", "crop", "encode", "score", "report"]


def prepare():
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "est-cli"], cwd=ROOT, check=True)
    for name, filters in VIDEOS.items():
        source = ["ffmpeg", "-v", "error", "-y", "-i", str(ROOT / "downloads" / "demo.mp4"), "-an"]
        target = ["-r", str(FPS), "-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", str(FOLDER / f"{name}.mp4")]
        subprocess.run([*source, "-vf", f"setpts=N/{FPS}/TB,{filters}", *target], check=True)
    example = ["cargo", "run", "--release", "--locked", "-p", "est", "--example", "weights_file"]
    subprocess.run([*example, str(PAPER)], cwd=ROOT, check=True)


def run_est(name, *more, weights=PAPER):
    """One run: its times, and its peak memory in MiB."""
    command = [EST, "predict", FOLDER / f"{name}.mp4", "--weights", weights, "--out", FOLDER / "out", "--again"]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--timing", "--json", *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    log = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"est failed:\n{log.decode()}")
    whole = time.perf_counter() - start
    timing = next(line for line in map(json.loads, log.splitlines()) if line["event"] == "timing")
    cpu = usage.ru_utime + usage.ru_stime
    return {**timing, "whole_s": whole, "peak_mib": usage.ru_maxrss / 1024, "cpu_s": cpu}


def run_fer(name):
    command = [FER, ROOT / "tools" / "bench" / "fer_video.py", FOLDER / f"{name}.mp4", str(FER_SECONDS)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def median(runs, key):
    return statistics.median(key(run) for run in runs)


def frame_rate(run):
    return run["frames"] / run["elapsed_s"]


def measure():
    runs = {name: [] for name in VIDEOS}
    own = {name: [] for name in VIDEOS}
    exact = []
    for _ in range(RUNS):
        for name in VIDEOS:
            runs[name].append(run_est(name))
            own[name].append(run_est(name, weights=DEFAULT))
        exact.append(run_est("640x480", "--precision", "exact"))
    with_fer = [run_fer(name) for name in ("640x480", "1280x720")] if FER.exists() else [None, None]
    publish("pipeline", report(runs, own, exact, with_fer))


def verdict(found, bar, low=False):
    passed = found <= bar if low else found >= bar
    return f"{'pass' if passed else 'miss'}: {bar}"


def report(runs, own, exact, with_fer):
    rows, shares = [], []
    paper = {f"paper, {name}": runs[name] for name in ("640x480", "1280x720")}
    lines = {f"default, {name}": own[name] for name in ("640x480", "1280x720")} | paper | {"paper, 640x480, exact": exact}
    for name, of_name in lines.items():
        rate = median(of_name, frame_rate)
        bar = f" ({verdict(rate, 250)})" if name.endswith("640x480") else ""
        loading, peak = median(of_name, lambda run: run["loading_s"]), median(of_name, lambda run: run["peak_mib"])
        cpu = 1e3 * median(of_name, lambda run: run["cpu_s"] / run["frames"])
        rows.append([name, f"{rate:.0f}{bar}", f"{rate / FPS:.1f}", f"{loading:.2f}", f"{cpu:.1f}", f"{peak:.0f}"])
        busy = lambda run, stage: 100 * run["busy_s"][stage] / run["elapsed_s"]
        shares.append([name, *[f"{median(of_name, lambda run: busy(run, stage)):.0f} %" for stage in STAGES]])
    clip = {weights: median(of["clip"], lambda run: run["whole_s"]) for weights, of in (("default", own), ("paper", runs))}
    clips = "; ".join(f"{weights} {seconds:.2f} s ({verdict(seconds, 1.0, low=True)})" for weights, seconds in clip.items())
    fer_rows = []
    for name, fer in zip(("640x480", "1280x720"), with_fer):
        ours, default = median(runs[name], frame_rate), median(own[name], frame_rate)
        if fer:
            theirs = frame_rate(fer)
            ratios = [f"{default / theirs:.1f}", f"{ours / theirs:.1f}"]
            fer_rows.append([name, f"{default:.0f}", f"{ours:.0f}", f"{theirs:.1f}", *ratios, f"{fer['loading_s']:.1f}"])
    return "\n\n".join(
        [
            f"`est predict` on {processor()}, {time.strftime('%Y-%m-%d')}: the demo's video (one face, 472 frames) scaled and "
            f"played at {FPS} frames/s; medians of {RUNS} runs. `default`: est's own weights, crops of 112 pixels, a file of "
            f"{DEFAULT.stat().st_size / 1e6:.0f} MB; `paper`: the paper's network, crops of 224 pixels, 171 MB. Loading is until the "
            "model is ready. The video is begun meanwhile, and its frames/s count what it waits for the model.",
            table(["weights, video", "frames/s", "x real time", "loading s", "CPU ms a frame", "peak MiB"], rows),
            "What each stage was busy for, of the video's time; stages run beside each other, waiting for a core counts too:",
            table(["weights, video", *STAGES], shares),
            f"A clip of 4 s (100 frames, 640 x 480), from the start of the process to its end: {clips}.",
            "Beside PyPI's `fer` 25.10.3 (its defaults: Haar cascade, TensorFlow Lite; a model of single frames), "
            f"{FER_SECONDS} s of each video, frames/s:",
            table(["video", "est default", "est paper", "fer", "default over", "paper over", "fer loading s"], fer_rows),
        ]
    )


if __name__ == "__main__":
    {"prepare": prepare, "time": measure}[sys.argv[1]]()
