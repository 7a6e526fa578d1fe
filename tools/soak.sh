#!/usr/bin/env bash
# Reads two hours of video and watches its memory: every minute the resident size of est and of its decoder, then the rows.
# Fails when the last quarter needs over a tenth more than the second.
set -euo pipefail
cd "$(dirname "$0")/.."
work=target/soak
minutes=${1:-120}
mkdir -p "$work"
video=$work/long.mp4
# The 20 seconds of the demo, at a size that is quick to read, over and over.
ffmpeg -v error -y -i downloads/demo.mp4 -an -vf scale=320:-2 -c:v libx264 -preset veryfast "$work/once.mp4"
ffmpeg -v error -y -stream_loop $((minutes * 3 - 1)) -i "$work/once.mp4" -c copy "$video"
rm -rf "$work/out" "$work/memory.csv"
target/release/est predict "$video" --out "$work/out" --quiet --detect-size 320 &
est=$!
trap 'kill $est 2>/dev/null || true' EXIT
began=$(date +%s)
resident() { awk '/^VmRSS/ {print $2}' "/proc/$1/status" 2>/dev/null || echo 0; }
echo "seconds,est_mib,decoder_mib" > "$work/memory.csv"
while kill -0 $est 2>/dev/null; do
  decoder=$(pgrep -P $est | head -1 || true)
  echo "$(($(date +%s) - began)),$(($(resident $est) / 1024)),$((${decoder:+$(resident "$decoder")} + 0))" |
    awk -F, -v OFS=, '{ $3 = int($3 / 1024); print }' >> "$work/memory.csv"
  sleep 10
done
wait $est
trap - EXIT
rows=$(($(wc -l < "$work/out/long.csv") - 1))
frames=$(ffprobe -v error -select_streams v -show_entries stream=nb_frames -of csv=p=0 "$video")
echo "$minutes minutes of video, $frames frames, $rows rows in $(($(date +%s) - began)) s; memory in MiB by time: $work/memory.csv"
# The last line is from the end, when there is nothing left to hold.
awk -F, 'NR > 1 && $2 > 0 { t[++n] = $1; m[n] = $2; d[n] = $3 }
  END {
    for (k = 1; k <= 4; k++) { most = 0; for (i = int((k - 1) * n / 4) + 1; i <= int(k * n / 4); i++) { if (m[i] > most) most = m[i]; if (d[i] > dec) dec = d[i] }
      printf "quarter %d: est %d MiB at most\n", k, most; q[k] = most }
    printf "decoder: %d MiB at most\n", dec
    exit !(q[4] <= 1.1 * q[2])
  }' "$work/memory.csv"
