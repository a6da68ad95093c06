/**
 * Collects the licence texts of every package whose code is in what is published, out of the
 * packages themselves, so that none is forgotten when a bundle takes in another one.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whose code is in the package without being a file that a bundle reads. */
const UNSEEN = {
  ajv: 'the validators are its output',
  esbuild: 'the bundles begin with its run-time helpers',
  'iced-x86': 'the package has it whole beside the bundles',
  'node-addon-api': 'its headers are compiled into the native addon',
};

/** The innermost one of a path. */
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

/** What the runs of esbuild that have the plugin below have read. */
const metafiles = [];

/** For each run of esbuild whose output is published. */
export const noteForLicences = {
  name: 'note-for-licences',
  setup(building) {
    building.initialOptions.metafile = true;
    building.onEnd(({ metafile }) => {
      if (metafile) metafiles.push(metafile);
    });
  },
};

/** Folders, relative to the root, of the packages of which something is in these runs' output. */
export function bundledPackages(noted) {
  const read = noted.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.entries(inputs)
        .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
        .map(([path]) => PACKAGE.exec(path)?.[0]),
    ),
  );
  const unseen = Object.keys(UNSEEN).map((name) => `node_modules/${name}`);
  return [...new Set([...read.filter(Boolean), ...unseen])].sort();
}

/** All files with a licence or a notice in a package's folder; else what its repository has. */
function textsOf(folder, name) {
  const own = readdirSync(folder)
    .filter((file) => /^(licen[cs]es?|copying|notice)([.-]|$)/i.test(file))
    .map((file) => join(folder, file))
    .sort();
  // A package that was published without the text that its licence wants to be passed on.
  const kept = fileURLToPath(new URL(`licence-texts/${name}.txt`, import.meta.url));
  const files = own.length === 0 && existsSync(kept) ? [kept] : own;
  return files.map((file) => readFileSync(file, 'utf8').trim());
}

function section(root, folder) {
  const { name, version, license, homepage } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  );
  const texts = textsOf(join(root, folder), name);
  if (texts.length === 0) throw new Error(`${folder} has no licence text to pass on`);
  const why = UNSEEN[name] === undefined ? '' : ` (${UNSEEN[name]})`;
  const head = [`${name} ${version}, ${license}${why}`, ...(homepage ? [homepage] : [])];
  return [...head, '', ...texts].join('\n');
}

export function writeLicences(root, file) {
  const rule = `\n\n${'='.repeat(78)}\n\n`;
  const head =
    'cpugate contains code of the packages below. The licences of what is linked into the\n' +
    'prebuilt native programs are beside these, in prebuilds/linux-x64/LICENSES.txt.';
  // A package that lies in several places is named once.
  const sections = new Set(bundledPackages(metafiles).map((folder) => section(root, folder)));
  writeFileSync(file, `${[head, ...sections].join(rule)}\n`);
}
