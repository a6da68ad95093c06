import { profileJson } from '../../formats/profile.js';
import { printableJson } from '../../model/printable.js';
import { probeHost } from '../../probe/index.js';
import type { Run } from '../command.js';
import { VERSION } from '../version.js';
import { writeOutput } from '../write-file.js';

export const run: Run = async (args) => {
  const probed = await probeHost();
  const name = args.text('name') ?? probed.name;
  const json = profileJson(
    { ...probed, name },
    { taken: new Date().toISOString(), cpugate: VERSION },
  );
  writeOutput(args.text('output'), `${printableJson(json, 1)}\n`);
  return 0;
};
