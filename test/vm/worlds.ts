/**
 * Kernels and CRIUs with which programs are moved; CPUGATE_OTHER_ROOT names another file tree, CPUGATE_OTHER_CRIU
 * a CRIU from release 4.2 on, which otherwise is looked for in a built source tree, /var/tmp/criu.
 */
import { existsSync } from 'node:fs';
import { isHere } from '../export/tools.js';
import { labIsHere } from './lab.js';

export const canMovePrograms: boolean =
  labIsHere && isHere('criu', '--version') && isHere('gcc', '--version');

const otherRoot = process.env.CPUGATE_OTHER_ROOT;

export const WORLDS = [
  { name: 'Linux 6.1, the installed CRIU', criu: '3.17.1', guest: { kernel: '6.1' }, runs: true },
  {
    name: 'Linux 7.2, CRIU of another tree',
    criu: '4.1.1',
    guest: { kernel: '7.2', ...(otherRoot === undefined ? {} : { root: otherRoot }) },
    runs: otherRoot !== undefined,
  },
] as const;

/** For containers: CRIU 3.17.1 takes no action scripts beside an engine's own notifications. */
export const otherCriu: string | undefined = [
  process.env.CPUGATE_OTHER_CRIU ?? '',
  '/var/tmp/criu/criu/criu',
].find((file) => file !== '' && existsSync(file));
