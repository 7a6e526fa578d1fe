"""One engine under the clock: `python peer.py ENGINE FOLDER`. Reads lines `time THREADS BATCH NETWORK` and answers each
with the seconds of one run, or `answer BATCH NETWORK INPUT OUTPUT` and writes the network's first output, all as lines of
JSON. FOLDER is what peers.py prepared. The first run of each setting is not timed."""

import json
import sys
import time
from pathlib import Path

import numpy as np

ENGINE, FOLDER = sys.argv[1], Path(sys.argv[2])


def onnxruntime(threads, batch, network):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(FOLDER / f"{network}.onnx", options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda frames: session.run(None, {name: frames})[0]


def openvino(threads, batch, network):
    """The faster of one stream over all threads and, for larger batches, a stream a thread, as measured here."""
    import openvino

    core = openvino.Core()
    file = FOLDER / (f"{network}.int8.xml" if ENGINE == "openvino-int8" else f"{network}.onnx")
    precision = "bf16" if ENGINE == "openvino-bf16" else "f32"
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}

    def compiled(streams, part):
        model = core.read_model(file)
        shape = list(model.inputs[0].partial_shape)
        model.reshape([part, *[side.get_length() for side in shape[1:]]])
        hint = "LATENCY" if streams == 1 else "THROUGHPUT"
        return core.compile_model(model, "CPU", {**settings, "NUM_STREAMS": streams, "PERFORMANCE_HINT": hint})

    def one_stream():
        request = compiled(1, batch).create_infer_request()
        return lambda frames: request.infer({0: frames}, share_inputs=True)[0]

    def streams(part):
        queue = openvino.AsyncInferQueue(compiled(threads, part), 2 * threads)
        results = {}

        def keep(request, start):
            results[start] = request.get_output_tensor(0).data.copy()

        queue.set_callback(keep)

        def run(frames):
            for start in range(0, batch, part):
                queue.start_async({0: frames[start : start + part]}, start)
            queue.wait_all()
            return np.concatenate([results[start] for start in range(0, batch, part)])

        return run

    ways = [one_stream()]
    if threads > 1 and batch > 1:
        ways.append(streams(5 if batch % 5 == 0 and batch > 5 else 1))
    return min(ways, key=lambda way: min(seconds(way, input_of(batch, network)) for _ in range(3)))


def input_of(batch, network):
    shape = {"resnet18": (3, 224, 224), "retinaface640x480": (3, 480, 640)}[network]
    return np.random.default_rng(1).random((batch, *shape), np.float32)


def seconds(run, frames):
    start = time.perf_counter()
    run(frames)
    return time.perf_counter() - start


def main():
    make = onnxruntime if ENGINE == "onnxruntime" else openvino
    ready = {}
    for line in sys.stdin:
        match line.split():
            case ["time", threads, batch, network]:
                setting = (int(threads), int(batch), network)
                if setting not in ready:
                    ready[setting] = (make(*setting), input_of(*setting[1:]))
                    seconds(*ready[setting])
                answer = {"seconds": seconds(*ready[setting])}
            case ["answer", batch, network, source, target]:
                frames = np.load(source)
                np.save(target, make(2, int(batch), network)(frames))
                answer = {}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
