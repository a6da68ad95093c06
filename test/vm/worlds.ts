/** Kernels and CRIUs with which programs are moved; CPUGATE_OTHER_ROOT names another file tree. */
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
