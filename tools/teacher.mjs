// Asks a network that never saw our pictures which expression it reads in a synthetic set: the expression network of
// npm's face-api, behind the package's own preprocessing (face, 68 landmarks, aligned crop), on the apex frame of every
// clip. Prints how often it agrees with the class that was meant, and the confusion: rows what was meant, columns what
// was read, `none` where it found no face.
//
//   tools/setup.sh teacher
//   node tools/teacher.mjs SET ...            sets that `est synth` made
//   node tools/teacher.mjs PICTURE.jpg ...    a line of probabilities for each
//   node tools/teacher.mjs --targets FILE.csv SET ...
//       what `est train` takes as `targets`, with the names that `est join` gives the clips: of each generated clip some
//       frames from rest to apex, of any other its first, each with a distribution that is half the truth (how much of the
//       class is shown, the rest is neutral) and half what the network reads
import { createReadStream, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const modules = resolve(dirname(fileURLToPath(import.meta.url)), '../downloads/teacher');
const require = createRequire(join(modules, 'package.json'));
if (!existsSync(join(modules, 'node_modules'))) {
  console.error('teacher: the network is not installed; run tools/setup.sh teacher');
  process.exit(1);
}
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const jpeg = require('jpeg-js');
const tar = require('tar-stream');

// The teacher's names for our classes.
const NAMES = { angry: 'angry', disgusted: 'disgust', fearful: 'fear', happy: 'happy', neutral: 'neutral', sad: 'sad', surprised: 'surprise' };

async function start() {
  wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + '/');
  await faceapi.tf.setBackend('wasm');
  await faceapi.tf.ready();
  const weights = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
  for (const net of ['ssdMobilenetv1', 'faceLandmark68Net', 'faceExpressionNet']) await faceapi.nets[net].loadFromDisk(weights);
}

function decode(bytes) {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
  return faceapi.tf.tensor3d(Int32Array.from(data), [height, width, 3], 'int32');
}

// The network's probabilities by our names.
const named = (expressions) => Object.fromEntries(Object.entries(NAMES).map(([theirs, ours]) => [ours, expressions[theirs]]));

// What the network reads in a picture, or null where no face is found.
async function read(bytes) {
  const picture = decode(bytes);
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.2 });
  const found = await faceapi.detectSingleFace(picture, options).withFaceLandmarks().withFaceExpressions();
  picture.dispose();
  return found ? named(found.expressions) : null;
}

// Frames of every clip of a shard: those that `choose` names by number, with the clip's record.
async function* framesOf(shard, choose) {
  const members = createReadStream(shard).pipe(tar.extract());
  let [clip, wanted] = [null, new Map()];
  for await (const member of members) {
    const chunks = [];
    for await (const chunk of member) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (member.header.name.endsWith('.json')) {
      clip = JSON.parse(bytes);
      const frames = choose(clip);
      wanted = new Map(frames.map((frame) => [`${clip.clip}.${String(frame).padStart(6, '0')}.jpg`, frame]));
    } else if (wanted.has(member.header.name)) {
      yield { clip, frame: wanted.get(member.header.name), bytes };
    }
  }
}

const shards = (set) => readdirSync(join(set, 'shards')).sort().map((shard) => join(set, 'shards', shard));

// How much of the clip's class each frame shows, from 0 to 1: the clip's intensity times the expression's course.
function shown({ truth }) {
  const sums = truth.phase.map((_, k) =>
    Object.values(truth.expression).reduce((sum, sides) => sum + sides[k][0] + sides[k][1], 0));
  const most = Math.max(...sums);
  return sums.map((sum) => (most > 0 ? (truth.intensity * sum) / most : 0));
}

// The apex; a second frame of the apex; one on the way; one at rest. Which ones follows from the clip alone.
function fromRestToApex(clip) {
  if (!clip.truth) return [0];
  const [course, frames] = [shown(clip), clip.truth.phase.map((_, k) => k)];
  const of = (fits) => {
    const fitting = frames.filter(fits);
    return fitting.length ? [fitting[(7919 * clip.clip.length + 104729 * Number(clip.clip.replace(/\D/g, ''))) % fitting.length]] : [];
  };
  const most = course[clip.truth.apex_frame];
  const picks = [clip.truth.apex_frame, ...of((k) => course[k] >= 0.9 * most), ...of((k) => course[k] > 0.1 * most && course[k] < 0.9 * most), ...of((k) => course[k] === 0)];
  return [...new Set(picks)];
}

// Shown by less than the first value a class is neutral, from the second on it is itself.
const [UNSEEN, SEEN] = [0.05, 0.35];

// What the network reads in a crop whose landmarks are known: its own landmarks and its own aligned crop, without its
// detector. The box is where that detector puts it, in heights from the pupils to the mouth.
async function readCrop(bytes, [left, right, , leftCorner, rightCorner]) {
  const picture = decode(bytes);
  const [height, width] = picture.shape;
  const middle = (a, b) => [0, 1].map((axis) => (a[axis] + b[axis]) / 2);
  const [eyes, mouth] = [middle(left, right), middle(leftCorner, rightCorner)];
  const unit = Math.hypot(mouth[0] - eyes[0], mouth[1] - eyes[1]);
  const centre = [(eyes[0] + mouth[0]) / 2, eyes[1] + 0.265 * unit];
  const box = new faceapi.Rect(centre[0] - 1.075 * unit, centre[1] - 1.4 * unit, 2.15 * unit, 2.8 * unit);
  const clipped = box.clipAtImageBorders(width, height);
  const [face] = await faceapi.extractFaceTensors(picture, [clipped]);
  const landmarks = (await faceapi.nets.faceLandmark68Net.detectLandmarks(face)).shiftBy(clipped.x, clipped.y);
  const [aligned] = await faceapi.extractFaceTensors(picture, [landmarks.align().clipAtImageBorders(width, height)]);
  const found = await faceapi.nets.faceExpressionNet.predictExpressions(aligned);
  faceapi.tf.dispose([picture, face, aligned]);
  return named(found);
}

async function targets(file, sets) {
  const classes = Object.values(NAMES).sort();
  const lines = [['clip', 'frame', ...classes.map((name) => `p_${name}`)].join(',')];
  for (const [set, shard] of sets.flatMap((set) => shards(set).map((shard) => [basename(resolve(set)), shard]))) {
    for await (const { clip, frame, bytes } of framesOf(shard, fromRestToApex)) {
      const share = clip.truth ? Math.min(1, Math.max(0, (shown(clip)[frame] - UNSEEN) / (SEEN - UNSEEN))) : 1;
      const truth = Object.fromEntries(classes.map((name) => [name, (name === clip.class ? share : 0) + (name === 'neutral' ? 1 - share : 0)]));
      const seen = clip.truth ? await readCrop(bytes, clip.landmarks[frame]) : ((await read(bytes)) ?? truth);
      const shares = classes.map((name) => (0.5 * truth[name] + 0.5 * seen[name]).toFixed(5));
      lines.push([`${set}-${clip.clip}`, frame, ...shares].join(','));
    }
    console.error(`${shard}: ${lines.length - 1} frames so far`);
  }
  writeFileSync(file, lines.join('\n') + '\n');
}

async function confusion(set) {
  const classes = JSON.parse(readFileSync(join(set, 'set.json'))).classes;
  const columns = [...new Set([...classes, ...Object.values(NAMES)]), 'none'];
  const counts = new Map(classes.map((meant) => [meant, new Map(columns.map((read) => [read, 0]))]));
  for (const shard of shards(set)) {
    for await (const { clip: { class: meant }, bytes } of framesOf(shard, (clip) => (clip.truth ? [clip.truth.apex_frame] : [0]))) {
      const probabilities = await read(bytes);
      const best = probabilities ? Object.entries(probabilities).reduce((a, b) => (b[1] > a[1] ? b : a))[0] : 'none';
      counts.get(meant).set(best, counts.get(meant).get(best) + 1);
    }
  }
  const line = (cells) => console.log(cells.map((cell, k) => (k ? String(cell).padStart(9) : cell.padEnd(10))).join(''));
  line(['meant', ...columns, 'agrees']);
  let [agreed, all] = [0, 0];
  for (const [meant, row] of counts) {
    const sum = [...row.values()].reduce((a, b) => a + b, 0);
    agreed += row.get(meant);
    all += sum;
    line([meant, ...row.values(), sum ? (row.get(meant) / sum).toFixed(3) : '-']);
  }
  console.log(`${set}: agrees on ${agreed} of ${all} apex frames (${(agreed / all).toFixed(3)})`);
}

const sources = process.argv.slice(2);
if (!sources.length) {
  console.error('usage: node tools/teacher.mjs SET|PICTURE.jpg ...');
  process.exit(2);
}
await start();
if (sources[0] === '--targets') {
  await targets(sources[1], sources.slice(2));
  process.exit(0);
}
for (const source of sources) {
  if (statSync(source).isDirectory()) await confusion(source);
  else console.log(JSON.stringify({ picture: source, probabilities: await read(readFileSync(source)) }));
}
