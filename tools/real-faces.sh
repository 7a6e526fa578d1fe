#!/usr/bin/env bash
# Measures weights on labelled photographs of real people: `tools/real-faces.sh REPO OUT [WEIGHTS.est]`, where REPO is a clone of
# https://github.com/muxspace/facial_expressions (Apache-2.0; press photographs, most of them of Labeled Faces in the Wild, that
# students labelled). Nothing is trained on them. All that is angry, sad or surprised, every 19th happy and every 23rd neutral one
# of the thousands; its disgust and fear are left out, for the labels do not fit what is seen, and so are stills of films.
# A minute on two cores; the prepared set is kept in OUT. Needs `make build`.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
repo=$(realpath "${1:?a clone of muxspace/facial_expressions}")
weights=$(realpath "${3:-$root/weights/est-default.est}")
mkdir -p "${2:?a folder to work in}" && cd "$2"
est=$root/target/release/est

# Pictures with two labels are nobody's.
tr -d '\r' < "$repo/data/legend.csv" | LC_ALL=C sort -t, -k2,2 | awk -F, '
  $2 == "image" || $2 ~ /^(Avinash|Dileep|Dwarakish|FaridaJalal|HrithikRoshan|Jayamadhuri|KatrinaKaif|SharmilaTagore)_/ { next }
  { label[++n] = tolower($3); image[n] = $2; labels[$2]++ }
  END {
    split("anger angry sadness sad happiness happy surprise surprise neutral neutral", pairs, " ")
    for (k = 1; k < 11; k += 2) { name[pairs[k]] = pairs[k + 1]; each[pairs[k]] = 1 }
    each["happiness"] = 19; each["neutral"] = 23
    for (k = 1; k <= n; k++)
      if (label[k] in name && labels[image[k]] == 1 && seen[label[k]]++ % each[label[k]] == 0) print image[k] "," name[label[k]]
  }' > chosen.csv
echo path,label,subject > list.csv
while IFS=, read -r image label; do
  [ -f "$repo/images/$image" ] || continue
  name=${image%.*}
  mkdir -p "pictures/$name"
  ln -sf "$repo/images/$image" "pictures/$name/000.jpg"
  echo "$name,$label,${name%_*}" >> list.csv
done < chosen.csv
[ -d set ] || "$est" prepare own --root pictures --list list.csv --out set --size 112
scores=scores-$(basename "${weights%.est}")
"$est" eval --data set --weights "$weights" --restrict-classes --out "$scores"
"$est" eval --data set --weights "$weights" --classes angry,happy,sad,surprise --out "$scores/four"
