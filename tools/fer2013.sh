#!/usr/bin/env bash
# Measures weights on FER-2013's test pictures, the only labelled real faces at hand that show fear and disgust:
# `tools/fer2013.sh FOLDER OUT [WEIGHTS.est]`, where FOLDER is your copy of the data set in the usual layout
# (FOLDER/test/<angry, disgust, fear, happy, neutral, sad, surprise>/*.jpg). 150 of each class; nothing is trained on them. The labels
# are doubtful: people agree with about 65 %. A minute on two cores. Needs `make build` and `tools/setup.sh teacher`.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
faces=$(realpath "${1:?a copy of FER-2013}")
weights=$(realpath "${3:-$root/weights/est-default.est}")
mkdir -p "${2:?a folder to work in}" && cd "$2"
est=$root/target/release/est
if [ ! -d set ]; then
  "$root/target/teacher/bin/python" "$root/tools/teacher/enlarged.py" "$faces/test" . 150
  "$est" prepare own --root pictures --list list.csv --out set --size 112
fi
scores=scores-$(basename "${weights%.est}")
"$est" eval --data set --weights "$weights" --out "$scores"
# Of the pictures where a face is found, all seven classes and the six expressions.
"$est" eval --data set --weights "$weights" --faceless skip --out "$scores/found"
"$est" eval --data set --weights "$weights" --faceless skip --classes angry,disgust,fear,happy,sad,surprise --out "$scores/six"
