// The expression network of npm's face-api, behind the package's own preprocessing: face, 68 landmarks, aligned crop.
import { dirname, join } from 'node:path';
import { require } from './packages.mjs';

const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const jpeg = require('jpeg-js');

// The network's names for our classes.
const NAMES = { angry: 'angry', disgusted: 'disgust', fearful: 'fear', happy: 'happy', neutral: 'neutral', sad: 'sad', surprised: 'surprise' };

export const CLASSES = Object.values(NAMES).sort();

export async function start() {
  wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + '/');
  await faceapi.tf.setBackend('wasm');
  await faceapi.tf.ready();
  const weights = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
  for (const net of ['ssdMobilenetv1', 'faceLandmark68Net', 'faceExpressionNet']) await faceapi.nets[net].loadFromDisk(weights);
}

export function decode(bytes) {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
  return faceapi.tf.tensor3d(Int32Array.from(data), [height, width, 3], 'int32');
}

// The network's probabilities by our names.
const named = (expressions) => Object.fromEntries(Object.entries(NAMES).map(([theirs, ours]) => [ours, expressions[theirs]]));

// Of a face's five landmarks: the middle of the pupils, the middle between them and the mouth, and the distance to the mouth.
export function measure([left, right, , leftCorner, rightCorner]) {
  const between = (a, b) => [0, 1].map((axis) => (a[axis] + b[axis]) / 2);
  const [eyes, mouth] = [between(left, right), between(leftCorner, rightCorner)];
  return { eyes, middle: between(eyes, mouth), unit: Math.hypot(mouth[0] - eyes[0], mouth[1] - eyes[1]) };
}

// What the network reads in a picture, or null where no face is found.
export async function read(bytes) {
  const picture = decode(bytes);
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.2 });
  const found = await faceapi.detectSingleFace(picture, options).withFaceLandmarks().withFaceExpressions();
  picture.dispose();
  return found ? named(found.expressions) : null;
}

// What it reads in a crop whose landmarks are known: its own landmarks and its own aligned crop, without its detector. The
// box is where that detector puts it, in distances from the pupils to the mouth.
export async function readCrop(picture, { eyes, middle, unit }) {
  const [height, width] = picture.shape;
  const centre = [middle[0], eyes[1] + 0.265 * unit];
  const box = new faceapi.Rect(centre[0] - 1.075 * unit, centre[1] - 1.4 * unit, 2.15 * unit, 2.8 * unit);
  const clipped = box.clipAtImageBorders(width, height);
  const [face] = await faceapi.extractFaceTensors(picture, [clipped]);
  const landmarks = (await faceapi.nets.faceLandmark68Net.detectLandmarks(face)).shiftBy(clipped.x, clipped.y);
  const [aligned] = await faceapi.extractFaceTensors(picture, [landmarks.align().clipAtImageBorders(width, height)]);
  const found = await faceapi.nets.faceExpressionNet.predictExpressions(aligned);
  faceapi.tf.dispose([face, aligned]);
  return named(found);
}

export const tf = faceapi.tf;
