#!/usr/bin/env bash
# Makes weights/est-default.est again from nothing but public sources: `tools/default-weights.sh LONDON WORK`, where LONDON
# is the Face Research Lab London Set (neutral/, smiling/, landmarks.json) and WORK a folder for 4 GB. Two hours on two cores.
# Needs `make train-build` and node. docs/default-weights.md tells what each step is for and what came of it. Stopped, it goes on where it was.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
london=$(realpath "${1:?the folder of the London set}")
mkdir -p "${2:?a folder to work in}" && cd "$2"
est=$root/target/release/est
export LD_LIBRARY_PATH=${LIBTORCH:-$root/downloads/libtorch/torch}/lib OMP_WAIT_POLICY=passive

# Every fifth person is never trained on.
k=0
for neutral in "$london"/neutral/*.jpg; do
  name=$(basename "$neutral" .jpg)
  group=train
  if [ $((k % 5)) = 0 ]; then group=held; fi
  k=$((k + 1))
  mkdir -p "portraits-$group/neutral"
  ln -sfn "$london/landmarks.json" "portraits-$group/landmarks.json"
  ln -sf "$neutral" "portraits-$group/neutral/"
  for shown in neutral:neutral smiling:happy; do
    [ -f "$london/${shown%:*}/$name.jpg" ] || continue
    mkdir -p "stills-$group-pictures/${name}_${shown%:*}"
    ln -sf "$london/${shown%:*}/$name.jpg" "stills-$group-pictures/${name}_${shown%:*}/000.jpg"
  done
done
for group in train held; do
  (cd "stills-$group-pictures" && for clip in *; do
    echo "$clip,$([ "${clip#*_}" = smiling ] && echo happy || echo neutral),london_${clip%_*}"
  done) | (echo path,label,subject && cat) > "stills-$group.csv"
  "$est" prepare own --root "stills-$group-pictures" --list "stills-$group.csv" --out "stills-$group" --size 112
done

synth() {
  "$est" synth --profile default --knob neutral=true --knob cut_at_apex=0.4 --knob speech=1.5 --knob resting=1.8 --size 112 \
    --clips-per-subject 7 "$@"
}
synth --out heads-a --knob 'letters=[0.02,0.13,0.25,0.3,0.3]' --knob 'frames=[60,80]' --subjects 250 --seed 31
synth --out port-a --portraits portraits-train --blends --knob 'letters=[0.02,0.15,0.33,0.3,0.2]' --knob 'frames=[60,80]' \
  --subjects 500 --seed 32
synth --out port-val --portraits portraits-held --knob 'letters=[0.0,0.1,0.35,0.35,0.2]' --knob 'frames=[60,80]' --subjects 21 --seed 33
"$est" join train=heads-a train=port-a train=stills-train validation=port-val --out set
# What stands behind the encoder learns from the animated photographs alone.
"$est" join train=port-a train=stills-train validation=port-val --out set-clips

"$root/tools/setup.sh" teacher
if [ ! -f targets.csv ]; then
  node "$root/tools/teacher.mjs" --targets targets-1.csv --part 1/2 port-a stills-train heads-a &
  node "$root/tools/teacher.mjs" --targets targets-2.csv --part 2/2 port-a stills-train heads-a
  wait %1
  (cat targets-1.csv && tail -n +2 targets-2.csv) > targets.part && mv targets.part targets.csv
fi

train() { "$est" train --data "$1" --config "$root/weights/recipe/$2.toml" --out "$2" --resume; }
train set frames
train set-clips clips
"$est" calibrate --data set-clips --weights clips/weights.est --round official --out calibrated.est
"$est" weights shrink calibrated.est est-default.est
"$est" eval --data set-clips --weights est-default.est --round official --part validation --out scores/port-val
"$est" eval --data stills-held --weights est-default.est --restrict-classes --out scores/stills-held
echo "-> $PWD/est-default.est"
