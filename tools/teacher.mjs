// Asks a network that never saw our pictures which expression it reads in a synthetic set: the expression network of
// npm's face-api, behind the package's own preprocessing (face, 68 landmarks, aligned crop), on the apex frame of every
// clip. Prints how often it agrees with the class that was meant, and the confusion: rows what was meant, columns what
// was read, `none` where it found no face.
//
//   tools/setup.sh teacher
//   node tools/teacher.mjs SET ...            sets that `est synth` made
//   node tools/teacher.mjs PICTURE.jpg ...    a line of probabilities for each
import { createReadStream, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
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

// Probabilities by our names, or null where no face is found.
async function read(bytes) {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
  const picture = faceapi.tf.tensor3d(Int32Array.from(data), [height, width, 3], 'int32');
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.2 });
  const found = await faceapi.detectSingleFace(picture, options).withFaceLandmarks().withFaceExpressions();
  picture.dispose();
  return found ? Object.fromEntries(Object.entries(NAMES).map(([theirs, ours]) => [ours, found.expressions[theirs]])) : null;
}

// The apex frame of every clip of a shard, with the class that was meant.
async function* apexFrames(shard) {
  const members = createReadStream(shard).pipe(tar.extract());
  let clip = null;
  for await (const member of members) {
    const chunks = [];
    for await (const chunk of member) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (member.header.name.endsWith('.json')) {
      const { clip: id, class: meant, truth } = JSON.parse(bytes);
      clip = truth ? { meant, picture: `${id}.${String(truth.apex_frame).padStart(6, '0')}.jpg` } : null;
    } else if (clip?.picture === member.header.name) {
      yield { meant: clip.meant, bytes };
    }
  }
}

async function confusion(set) {
  const classes = JSON.parse(readFileSync(join(set, 'set.json'))).classes;
  const columns = [...new Set([...classes, ...Object.values(NAMES)]), 'none'];
  const counts = new Map(classes.map((meant) => [meant, new Map(columns.map((read) => [read, 0]))]));
  for (const shard of readdirSync(join(set, 'shards')).sort()) {
    for await (const { meant, bytes } of apexFrames(join(set, 'shards', shard))) {
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
for (const source of sources) {
  if (statSync(source).isDirectory()) await confusion(source);
  else console.log(JSON.stringify({ picture: source, probabilities: await read(readFileSync(source)) }));
}
