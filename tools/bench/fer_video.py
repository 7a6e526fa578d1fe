"""PyPI's `fer` over a video with its defaults (Haar cascade, TensorFlow Lite): `python fer_video.py VIDEO SECONDS` prints a
line of JSON. Stops after SECONDS, since it is slow."""

import json
import sys
import time

start = time.perf_counter()

import cv2
from fer.fer import FER

detector = FER()
video = cv2.VideoCapture(sys.argv[1])
ready = time.perf_counter()
frames = faces = 0
while time.perf_counter() - ready < float(sys.argv[2]):
    more, frame = video.read()
    if not more:
        break
    faces += bool(detector.detect_emotions(frame))
    frames += 1
elapsed = time.perf_counter() - ready
print(json.dumps({"frames": frames, "with_face": faces, "loading_s": ready - start, "elapsed_s": elapsed}))
