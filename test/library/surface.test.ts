/** What others build on changes only on purpose. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../cli/run.js';
import { surface } from './surface.js';

const FILE = join(root, 'test', 'library', 'surface.txt');
/** So many changed lines are shown. */
const SHOWN = 40;

/** Lines of one text that the other hasn't as often. */
function linesBeyond(text: string, other: string): string[] {
  const left = new Map<string, number>();
  for (const line of other.split('\n')) left.set(line, (left.get(line) ?? 0) + 1);
  return text.split('\n').filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

function changes(before: string, now: string): string[] {
  return [
    ...linesBeyond(before, now).map((line) => `- ${line}`),
    ...linesBeyond(now, before).map((line) => `+ ${line}`),
  ];
}

function judge(before: string, now: string): string {
  if (before === now) return '';
  const found = changes(before, now);
  return [
    'the public surface changed: say so in CHANGELOG.md and run npm run surface to accept',
    ...found.slice(0, SHOWN),
    ...(found.length > SHOWN ? [`… and ${found.length - SHOWN} more lines`] : []),
  ].join('\n');
}

describe('the public surface', () => {
  it('is the one that was announced', () => {
    const now = surface();
    if (process.env.CPUGATE_ACCEPT === 'surface') writeFileSync(FILE, now);
    const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
    const verdict = judge(before, now);
    if (verdict !== '') throw new Error(verdict);
  });

  it.each([
    ['an export', /readHost/, 'readHosts'],
    ['a parameter', /from: Host, to: Host/, 'to: Host, from: Host'],
    ['a command', /^cpugate check/m, 'cpugate compare'],
    ['an option', /--fail-on VERDICT/, '--fail VERDICT'],
    ['a choice', /nodeaffinity /, ''],
    ['an exit status', /exit status 3/, 'exit status 5'],
    ['a property', /\/verdict!/, '/verdict'],
    ['a schema', /schemas\/matrix-report/, 'schemas/matrix'],
  ])('changes with %s', (_, pattern, replacement) => {
    const now = surface();
    expect(now).toMatch(pattern);
    const verdict = judge(now.replace(pattern, replacement), now);
    expect(verdict).toMatch(/^the public surface changed: .* npm run surface/);
    expect(verdict.split('\n').length).toBeGreaterThan(1);
  });

  it('says nothing of words for people', () => {
    expect(surface()).not.toContain('description=');
    expect(surface()).not.toContain('Whether tasks can move');
  });
});
