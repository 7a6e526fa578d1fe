#!/usr/bin/env bash
# Makes weights/est-default.est again from nothing but public sources: `tools/default-weights.sh LONDON WORK`, where LONDON
# is the Face Research Lab London Set (neutral/, smiling/, landmarks.json) and WORK a folder for 4 GB. Two hours on two cores.
# Needs `make train-build` and npm. docs/default-weights.md tells what each step is for and what came of it. Stopped, it goes
# on where it was.
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
    --clips-per-subject 7 --knob 'frames=[60,80]' "$@"
}
harder() {
  synth --knob pose=1.4 --knob light=1.4 --knob resolution=1.6 --knob 'letters=[0.02,0.1,0.28,0.3,0.3]' "$@"
}
harder --out port-e --stills --portraits portraits-train --blends --knob strays=1 --subjects 1200 --seed 51
harder --out heads-e --stills --knob strays=1 --subjects 250 --seed 52
harder --out port-f --stills --portraits portraits-train --blends --knob strays=3 --subjects 800 --seed 53
harder --out port-c --portraits portraits-train --blends --knob strays=1 --subjects 150 --seed 54
harder --out port-d --portraits portraits-train --blends --knob strays=1 --subjects 300 --seed 55
synth --out port-val --portraits portraits-held --knob 'letters=[0.0,0.1,0.35,0.35,0.2]' --subjects 21 --seed 33
"$root/tools/setup.sh" teacher
teacher() { "$root/target/teacher/bin/python" "$root/tools/teacher/$1.py" "${@:2}"; }
stills=(port-e port-f heads-e stills-train)
if [ ! -f encoder.safetensors ]; then
  [ -f hinted.safetensors ] || { teacher encoder --out training.safetensors "${stills[@]}" && mv training.safetensors hinted.safetensors; }
  teacher encoder --initial hinted.safetensors --seed 2 --batches 4000 --out training.safetensors "${stills[@]}"
  mv training.safetensors encoder.safetensors
fi

# What stands behind the encoder learns from animated photographs, and from single pictures as unlike each other as the encoder's.
[ -f changed-pictures.csv ] || teacher pictures --student encoder.safetensors --out changed-pictures "${stills[@]}"
[ -f again-pictures.csv ] || teacher pictures --times 10 --seed 4 --out again-pictures stills-train
for name in changed again; do
  "$est" prepare own --crops --root $name-pictures --list $name-pictures.csv --out $name --size 112
done
"$est" join train=port-c train=port-d train=port-f train=stills-train train=again train=changed validation=port-val --out set-clips
[ -f targets.csv ] || teacher answers --student encoder.safetensors --targets targets.csv port-c port-d port-f stills-train again \
  --unmeant changed

"$est" train --data set-clips --config "$root/weights/recipe/clips.toml" --out clips --resume
"$est" calibrate --data set-clips --weights clips/weights.est --round official --out calibrated.est
"$est" weights shrink calibrated.est est-default.est --upright-beyond 15
"$est" eval --data set-clips --weights est-default.est --round official --part validation --out scores/port-val
"$est" eval --data stills-held --weights est-default.est --restrict-classes --out scores/stills-held
echo "-> $PWD/est-default.est"
