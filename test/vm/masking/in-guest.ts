/** A table of commands run in one boot of a guest. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bundleForGuest, type Guest, runInGuest } from '../lab.js';
import type { GuestCase, GuestOutcome } from './run-cases.js';

function isOutcome(line: string): boolean {
  return line.startsWith('{"name":');
}

/** What became of each, by name. Fails where the guest stopped before the table's end. */
export async function runCases(
  guest: Guest,
  cases: readonly GuestCase[],
): Promise<ReadonlyMap<string, GuestOutcome>> {
  const folder = mkdtempSync(join(tmpdir(), 'cpugate-cases-'));
  try {
    await bundleForGuest('test/vm/masking/run-cases.ts', join(folder, 'run.cjs'));
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
    const command = ['node', join(folder, 'run.cjs'), join(folder, 'cases.json')];
    const { status, output } = await runInGuest(guest, command);
    const lines = output.split('\n').filter(isOutcome);
    const outcomes = lines.map((line) => JSON.parse(line) as GuestOutcome);
    const last = outcomes.at(-1)?.name ?? 'none';
    expect(status, `the last to end: ${last}\n${output.slice(-2000)}`).toBe(0);
    return new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
