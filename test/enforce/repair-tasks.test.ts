import { describe, expect, it } from 'vitest';
import { repairTasks, rewriteArguments } from '../../src/enforce/repair-tasks.js';

const repair = {
  pid: 7,
  comm: 'server',
  sizes: [
    { address: 0x7ffff7ffdc70n, before: 896, after: 2752 },
    { address: 0x10n, before: 16, after: 17 },
  ],
};

describe('repairing a restored task', () => {
  it("is told to the supervisor's program by places and sizes, in hexadecimal digits", () =>
    expect(rewriteArguments(4321, repair)).toEqual([
      ...['rewrite', '--pid', '4321'],
      '7ffff7ffdc70:380:ac0',
      '10:10:11',
    ]));

  it('fails where a process of the images is not there', async () =>
    expect(await repairTasks('/bin/true', [repair], [{ pid: process.pid, ownPid: 8 }])).toBe(
      'process 7 of the images is not there',
    ));

  it('fails where a process runs, before anything is written', async () => {
    const failed = await repairTasks('/bin/true', [repair], [{ pid: process.pid, ownPid: 7 }]);
    expect(failed).toBe(`process ${process.pid} does not stop`);
  });

  it('is nothing where nothing has to be done', async () =>
    expect(await repairTasks('/nonexistent', [], [])).toBeUndefined());
});
