// Asks networks that never saw our pictures which expression they read in a synthetic set.
//
//   tools/setup.sh teacher
//   node tools/teacher.mjs SET ...            of sets that `est synth` made, how often npm's face-api agrees with the class that
//       was meant on the apex frame of every clip, and the confusion: rows what was meant, columns what was read, `none`
//       where it found no face
//   node tools/teacher.mjs PICTURE.jpg ...    a line of its probabilities for each
//   node tools/teacher.mjs --targets FILE.csv [--part I/N] SET ...
//       what `est train` takes as `targets`, with the names that `est join` gives the clips: every frame of generated
//       stills, the apex of other generated clips, photographs, each with a distribution (see `targetsOf`); FILE-apex.csv
//       has the apexes alone, for whole clips
import { createReadStream, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { require } from './teacher/packages.mjs';
import * as faceapi from './teacher/faceapi.mjs';
import * as fer from './teacher/fer.mjs';

const tar = require('tar-stream');

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

// Shown by less than the first value a class is neutral, from the second on it is itself.
const [UNSEEN, SEEN] = [0.05, 0.35];
// Both networks' logarithms of probability are added and divided by this: what they nearly said counts, too.
const TEMPERATURE = 4;
// What a class's logarithm gains where the generator meant it, and what neutral gains in any case. The encoder learns what
// the networks see in faces; what stands behind it says a name, and the networks call most generated anger and disgust
// neutral: the second numbers are for it.
const FRAMES = { meant: 1, neutral: 0 };
const CLIPS = { meant: 4, neutral: -1 };

// The landmarks of a frame in pixels of the picture. Those of found faces are in pixels of the source; their crops are
// squares around the box, as large as the set says (`crop`).
function landmarksOf(clip, frame, { crop }, [height]) {
  if (clip.truth) return clip.landmarks[frame];
  const { box: [x, y, w, h], landmarks } = clip.faces[frame];
  const side = crop.margin * Math.max(w, h);
  return landmarks.map(([u, v]) => [(u - x - w / 2) / side + 0.5, (v - y - h / 2) / side + 0.5].map((share) => share * height));
}

// A frame's targets, for the encoder and for what stands behind it: what the two networks read, softened, and what was meant,
// as far as it is shown.
async function targetsOf(clip, frame, settings, bytes) {
  const picture = faceapi.decode(bytes);
  const face = faceapi.measure(landmarksOf(clip, frame, settings, picture.shape));
  const [first, second] = [await faceapi.readCrop(picture, face), fer.readCrop(picture, face)];
  picture.dispose();
  const share = clip.truth ? Math.min(1, Math.max(0, (shown(clip)[frame] - UNSEEN) / (SEEN - UNSEEN))) : 1;
  const meant = (name) => (name === clip.class ? share : 0) + (name === 'neutral' ? 1 - share : 0);
  const read = faceapi.CLASSES.map((name, k) => (Math.log(Math.max(first[name], 1e-7)) + second[k]) / TEMPERATURE);
  return [FRAMES, CLIPS].map((gain) => {
    const gained = (name) => gain.meant * meant(name) + (name === 'neutral' ? gain.neutral : 0);
    const scores = faceapi.CLASSES.map((name, k) => Math.exp(read[k] + gained(name)));
    const sum = scores.reduce((a, b) => a + b, 0);
    return scores.map((score) => (score / sum).toFixed(5));
  });
}

// All frames go into `file`, those of the apex into a second one: a window is what its strongest moment is.
async function targets(file, [part, parts], sets) {
  const header = ['clip', 'frame', ...faceapi.CLASSES.map((name) => `p_${name}`)].join(',');
  const [frames, apexes] = [[header], [header]];
  const all = sets.flatMap((set) => shards(set).map((shard) => [set, shard]));
  for (const [set, shard] of all.filter((_, k) => k % parts === part - 1)) {
    // Clips are long and their frames much alike: of them the apex alone.
    const { settings } = JSON.parse(readFileSync(join(set, 'set.json')));
    const apex = (clip) => (clip.truth ? clip.truth.apex_frame : 0);
    const listed = (clip) => (clip.truth && settings.stills ? clip.truth.phase.map((_, k) => k) : [apex(clip)]);
    for await (const { clip, frame, bytes } of framesOf(shard, listed)) {
      const name = `${basename(resolve(set))}-${clip.clip}`;
      const lines = (await targetsOf(clip, frame, settings, bytes)).map((shares) => [name, frame, ...shares].join(','));
      frames.push(lines[0]);
      if (frame === apex(clip)) apexes.push(lines[1]);
    }
    console.error(`${shard}: ${frames.length - 1} frames so far`);
  }
  writeFileSync(file, frames.join('\n') + '\n');
  writeFileSync(file.replace(/(\.csv)?$/, '-apex.csv'), apexes.join('\n') + '\n');
}

async function confusion(set) {
  const classes = JSON.parse(readFileSync(join(set, 'set.json'))).classes;
  const columns = [...new Set([...classes, ...faceapi.CLASSES]), 'none'];
  const counts = new Map(classes.map((meant) => [meant, new Map(columns.map((read) => [read, 0]))]));
  for (const shard of shards(set)) {
    for await (const { clip: { class: meant }, bytes } of framesOf(shard, (clip) => (clip.truth ? [clip.truth.apex_frame] : [0]))) {
      const probabilities = await faceapi.read(bytes);
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
  console.error('usage: node tools/teacher.mjs [--targets FILE.csv [--part I/N]] SET|PICTURE.jpg ...');
  process.exit(2);
}
await faceapi.start();
if (sources[0] === '--targets') {
  await fer.start();
  const parted = sources[2] === '--part';
  await targets(sources[1], parted ? sources[3].split('/').map(Number) : [1, 1], sources.slice(parted ? 4 : 2));
  process.exit(0);
}
for (const source of sources) {
  if (statSync(source).isDirectory()) await confusion(source);
  else console.log(JSON.stringify({ picture: source, probabilities: await faceapi.read(readFileSync(source)) }));
}
