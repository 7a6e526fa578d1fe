#!/usr/bin/env bash
# Makes the seeds in fuzz/corpus/ again: a few hundred bytes to a few kilobytes each. Needs ffmpeg and python3; `weights` starts from goldens/.
set -euo pipefail
cd "$(dirname "$0")/corpus"
mkdir -p weights container picture set tables
moving="testsrc=size=48x32:rate=10:duration=0.8"
encode() { ffmpeg -v error -y -fflags +bitexact "${@:2}" -flags:v +bitexact "container/$1"; }
encode b-frames.mp4 -f lavfi -i "$moving" -c:v libx264 -preset slow -bf 2 -g 4 -pix_fmt yuv420p
encode variable.mkv -f lavfi -i "$moving" -vf "setpts=N*N/40/TB" -fps_mode vfr -c:v libx264 -pix_fmt yuv420p
encode vp9.webm -f lavfi -i "$moving" -c:v libvpx-vp9 -b:v 20k
encode mjpeg.avi -f lavfi -i "$moving" -c:v mjpeg -q:v 20
encode mpeg2.ts -f lavfi -i "$moving" -c:v mpeg2video
encode gif.gif -f lavfi -i "testsrc=size=16x16:rate=5:duration=0.6"
encode turned.mov -i container/b-frames.mp4 -c copy -metadata:s:v rotate=90
# The first byte of a picture is which extension it gets.
picture() { ffmpeg -v error -y -f lavfi -i testsrc=size=16x12 -frames:v 1 "$2" && (printf "$1"; cat "$2") > "picture/${2##*.}" && rm "$2"; }
k=0
for extension in bmp jpeg jpg pbm pgm png; do
  picture "\\x0$k" "seed.$extension"
  k=$((k + 1))
done
# With EXIF's orientation, in each format that may have it.
python3 - <<'PYTHON'
import struct, subprocess, zlib

def plain(name, *more):
    source = ["-f", "lavfi", "-i", "testsrc=size=16x12", "-frames:v", "1"]
    return subprocess.run(["ffmpeg", "-v", "error", *source, *more, "-f", "image2pipe", "-"], check=True, capture_output=True).stdout

def tiff(order):
    return {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)

def keep(name, bytes):
    open("picture/" + name, "wb").write(b"\x00" + bytes)

jpeg, png, webp = plain("a", "-c:v", "mjpeg"), plain("a", "-c:v", "png"), plain("a", "-c:v", "libwebp")
exif = b"Exif\0\0" + tiff(">")
keep("turned-jpg", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + jpeg[2:])
chunk = b"eXIf" + tiff("<")
keep("turned-png", png[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:])
body = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0\x0f\0\0\x0b\0\0" + webp[12:] + b"EXIF" + struct.pack("<I", len(tiff("<"))) + tiff("<")
keep("turned-webp", b"RIFF" + struct.pack("<I", len(body)) + body)
strip = 16 * 12 * 3
entries = [(256, 3, 16), (257, 3, 12), (258, 3, 8), (259, 3, 1), (262, 3, 2), (273, 4, 134), (274, 3, 8), (277, 3, 3), (278, 3, 12), (279, 4, strip)]
rows = b"".join(struct.pack(">HHI", tag, kind, 1) + struct.pack(">HH" if kind == 3 else ">I", *([value, 0] if kind == 3 else [value])) for tag, kind, value in entries)
keep("turned-tiff", b"MM\0*" + struct.pack(">IH", 8, len(entries)) + rows + bytes(4 + strip))
PYTHON
table() { printf '%b' "$2" > "tables/$1"; }
table own '\x00path,label,subject,split\na.mp4,happy,s1,train\nb.mp4,sad,s2,test\n'
table frames '\x01a/000.jpg 3\nb/000.jpg 0\n'
table split '\x02{"name":"s","origin":"official","seed":null,"rounds":{"fold-1":{"train":["a"],"validation":[],"test":["b"]}}}'
table subgroups '\x03subject,glasses\ns1,yes\ns2,no\n'
table predictions '\x04[]\n===\nround,clip,label,status\n'
table openface '\x05frame, face_id, timestamp, confidence, success, AU01_r\n1, 0, 0.0, 0.9, 1, 0.5\n'
table pyfeat '\x06frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,anger,disgust,fear,happiness,sadness,surprise,neutral\n0,1,2,3,4,0.9,0,0,0,1,0,0,0\n'
table list '\x07path,video_id,participant\na.mp4,one,p1\nb.mp4,,p2\n'
table list-sep '\x07\xef\xbb\xbfsep=;\r\npath;who;\r\n;;\r\na.mp4;"p\n1"\r\n'
table list-utf16 '\x07\xff\xfep\x00a\x00t\x00h\x00\n\x00a\x00'
table names '\x0a\x00s01_take2_0001.png\ns01_take2_0002.png\ns01_take2_0007.png\n'
table manifest '\x08{"video_id":"a","source":"/a.mp4","config_sha256":"0","at":"2026-11-24T15:00:00Z","files":["a.csv"],"summary":{"rows":1}}\n'
part() { printf '{"part":%s,"of":2,"list_sha256":"%s","videos":2,"names":["%s"],"numbering":{"first":0,"step":1},"at":"2026-11-30T00:00:00Z","command":["est","predict","v","--out","p%s","--shard","auto/2"]}\\n' "$1" "$2" "$3" "$1"; }
entry() { printf '{"video_id":"%s","source":"/%s.mp4","config_sha256":"0","at":"","files":[]}\\n' "$1" "$1"; }
both=$(printf '["a","b"]' | sha256sum | cut -d ' ' -f 1)
table parts "\\x09$(part 1 "$both" a)\\n===\\n$(entry a)\\n===\\n$(part 2 "$both" b)\\n===\\n$(entry b)"
table one-part "\\x09$(part 1 "$both" a)\\n===\\n\\n===\\n$(part 2 0 c)\\n===\\n"
# Weights of a network of four tensors under two prefixes with something beside them; and a checkpoint of an index and two parts.
safetensors() {
  local header="" at=0
  for name in "$@"; do
    header="$header,\"$name\":{\"dtype\":\"F32\",\"shape\":[1${name##*bias}],\"data_offsets\":[$at,$((at + 4))]}"
    at=$((at + 4))
  done
  header="{${header#,}}"
  # Weights are [1,1], biases [1].
  header=$(printf '%s' "$header" | sed -E 's/\[1[^],]+\]/[1,1]/g')
  printf "$(printf '\\x%02x\\x%02x\\0\\0\\0\\0\\0\\0' $((${#header} % 256)) $((${#header} / 256)))"
  printf '%s' "$header"
  head -c "$at" /dev/zero
}
safetensors model.{a.weight,a.bias,b.w.0.weight,b.0.bias} ema.module.{a.weight,a.bias,b.0.weight,b.0.bias} n.weight > weights/two-networks
{
  printf '{"weight_map":{"a.weight":"w-00001-of-00002.safetensors","a.bias":"w-00001-of-00002.safetensors",'
  printf '"b.0.weight":"w-00002-of-00002.safetensors","b.0.bias":"w-00002-of-00002.safetensors"}}\n===\n'
  safetensors a.weight a.bias
  printf '\n===\n'
  safetensors b.0.weight b.0.bias
} > weights/in-parts
# A prepared set of one clip of two pictures: manifest, index, shard and split in one file.
work=$(mktemp -d)
mkdir -p "$work/root/a"
ffmpeg -v error -f lavfi -i testsrc=size=16x16:rate=2:duration=1 "$work/root/a/%d.jpg"
printf 'path,label,subject,split\na,x,s1,train\n' > "$work/list.csv"
../../target/release/est prepare own --root "$work/root" --list "$work/list.csv" --crops --size 16 --fps 25 --out "$work/set" > "$work/log"
(cd "$work/set" && cat clips.csv && printf '\n===\n' && cat frames.idx && printf '\n===\n' && cat shards/*.tar && printf '\n===\n' && cat splits/*) > set/one-clip
rm -r "$work"
# Heads alone, behind the number of their reader (fuzz/targets/headers.rs): of pictures without the byte of their extension, the first
# kilobyte or two of containers, and a message of a decoding process.
head_of() { { printf "\\x$1"; cat; } >"headers/$2"; }
mkdir -p headers
k=0
for kind in jpg png webp tiff; do
  tail -c +2 "picture/turned-$kind" | head_of "0$k" "turned-$kind"
  k=$((k + 1))
done
head -c 2000 container/turned.mov | head_of 04 mov
head -c 1000 container/variable.mkv | head_of 05 mkv
head -c 1000 container/mjpeg.avi | head_of 06 avi
printf 'YUV4MPEG2 W16 H12 F25:1 A64:45 C420\nFRAME\n' | head_of 07 y4m
head -c 2000 container/mpeg2.ts | head_of 08 ts
still() { ffmpeg -v error -y -fflags +bitexact -f lavfi -i testsrc=size=16x12:rate=5:duration=0.4 -flags:v +bitexact -f "$1" "${@:2}" -; }
still flv -c:v flv | head -c 1000 | head_of 09 flv
still ogg -c:v libtheora | head -c 2000 | head_of 0a ogg
{ printf 'w\x04\0\0\0\0\0\0\0null'; printf 'e\x06\0\0\0\0\0\0\0"lost"'; } | head_of 0b messages
