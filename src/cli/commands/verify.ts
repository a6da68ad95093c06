import { writeMaskFile } from '../../enforce/mask-file.js';
import { measureCost } from '../../enforce/measure-cost.js';
import { trapHere } from '../../enforce/prepare.js';
import { requireProc } from '../../enforce/processes.js';
import { otherRoads, probeUnderMask } from '../../enforce/seen-answers.js';
import { findSupervisor } from '../../enforce/supervisor.js';
import { isKept, verifyMask } from '../../mask/verify.js';
import { described } from '../../model/capabilities.js';
import { printableJson } from '../../model/printable.js';
import { probeHost } from '../../probe/index.js';
import { verifyJson } from '../../report/verify-json.js';
import type { Run } from '../command.js';
import { maskOf, ownUid, runtimeFolderOf, trapOf } from '../mask-arguments.js';
import { maskHere } from '../mask-for-host.js';
import { writeOut } from '../output.js';
import { describeTerminal } from '../terminal.js';

export const run: Run = async (args) => {
  requireProc();
  const named = await maskOf(args);
  const { name, baseline } = named;
  const here = described(probeHost());
  const trap = trapHere(trapOf(args), here.host);
  const { mask, remarks } = maskHere(named, here, trap);
  const supervisor = findSupervisor();
  const folder = runtimeFolderOf(args);
  const seen = probeUnderMask(supervisor, writeMaskFile(mask, folder, ownUid()), folder, trap);
  const result = verifyMask(mask, baseline.features, here, seen, otherRoads(trap));
  const names = { baseline: name, host: here.host.name };
  const notes = { remarks, cost: measureCost(supervisor, trap) };
  if (args.flag('json')) writeOut(`${printableJson(verifyJson(result, names, notes), 2)}\n`);
  else {
    const { verifyText } = await import('../../report/text/verify.js');
    writeOut(verifyText(result, names, notes, describeTerminal(args.flag('color'))));
  }
  return isKept(result) ? 0 : 1;
};
