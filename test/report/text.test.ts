import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { describeHost } from '../../src/model/capabilities.js';
import { describeInputError, InputError } from '../../src/model/errors.js';
import { printable } from '../../src/model/printable.js';
import { checkText } from '../../src/report/text/check.js';
import { showText } from '../../src/report/text/show.js';
import { wrap } from '../../src/report/text/wrap.js';
import { HASWELL, hostOf, seen } from '../hosts.js';
import { compareHosts } from '../judge/between.js';

const style = { colors: createColors(false), width: 80 };
const EVIL = 'web\u001b[2J\u001b]0;owned\u0007\nverdict: compatible\u009b31m\u202e';
const obeyed = (text: string) =>
  [...text].filter((letter) => /\p{Cc}|\u202e/u.test(letter) && letter !== '\n');

describe('text from files', () => {
  const host = {
    ...hostOf({ ...HASWELL, name: EVIL, system: { kernel: EVIL, hypervisor: EVIL } }),
    remarks: [EVIL],
  };
  it('moves no cursor and fakes no line in show', () => {
    const text = showText(host, describeHost(host), style);
    expect(obeyed(text)).toEqual([]);
    expect(text).not.toMatch(/^verdict: compatible/m);
  });
  it('moves no cursor and fakes no line in check', () => {
    const poor = hostOf({ ...HASWELL, name: `b${EVIL}`, mask: 0x3n, areaBytes: 576, places: {} });
    const text = checkText(compareHosts(host, poor), style, true);
    expect(obeyed(text)).toEqual([]);
    expect(text).not.toMatch(/^verdict: compatible/m);
  });
  it('moves no cursor and fakes no line in errors', () => {
    const error = new InputError('malformed', EVIL, {
      place: { file: EVIL, line: 3 },
      remedy: EVIL,
    });
    expect(obeyed(describeInputError(error))).toEqual([]);
    expect(describeInputError(error).split('\n')).toHaveLength(2);
  });
  it('keeps letters of all languages', () => {
    expect(printable('Müller 東京 é')).toBe('Müller 東京 é');
  });
});

describe('wrap', () => {
  it('keeps to the width, but for words that are longer', () => {
    const text = wrap('aaa bbb ccc ddddddddddddddddd ee', 10, '  ');
    expect(text.split('\n')).toEqual(['  aaa bbb', '  ccc', '  ddddddddddddddddd', '  ee']);
  });
});

describe('a report for people', () => {
  it('says the verdict, what decides it and what to do', () => {
    const rich = hostOf(HASWELL);
    const poor = hostOf({
      ...HASWELL,
      name: 'b',
      features: HASWELL.features.filter((name) => name !== 'avx2' && name !== 'fma'),
    });
    expect(checkText(compareHosts(rich, poor), style, false)).toMatchInlineSnapshot(`
      "haswell-1 → b: incompatible
      Tasks started on the source may fail on the target; the blockers below say why.

      Blockers
        instruction-missing
          fma avx2
          Tasks that use these fail with SIGILL.

      What to do
        Start new tasks under a mask that shows only what both hosts have: "cpugate
        baseline haswell-1 b -o both.json", then "cpugate run --mask both.json --
        COMMAND". Masking needs CPUID faulting; without it, use VMs with a CPU model
        that both hosts can give ("cpugate export both.json --for libvirt", or qemu),
        "--for glibc" for what only libc uses, or "--for crac" for a JVM with CRaC.
        Tasks that are already running stay on hosts like their own.
      "
    `);
  });
  it('of two hosts alike is short', () => {
    expect(
      checkText(compareHosts(hostOf(HASWELL), hostOf({ ...HASWELL, name: 'b' })), style, false),
    ).toMatchInlineSnapshot(`
      "haswell-1 → b: compatible
      The target has everything that tasks started on the source may rely on.
      "
    `);
  });
  it('shows state that moves with both places', () => {
    const a = hostOf({
      ...HASWELL,
      mask: 0x207n,
      places: { 2: [256, 576], 9: [8, 2688] },
      areaBytes: 2696,
    });
    const b = hostOf({
      ...HASWELL,
      name: 'b',
      mask: 0x207n,
      places: { 2: [256, 576], 9: [8, 2432] },
      areaBytes: 2440,
    });
    expect(checkText(compareHosts(a, b), style, false)).toContain(
      'pkru: 8 bytes at 2688 → 8 bytes at 2432',
    );
  });
});

describe('a host for people', () => {
  it('is a model of brevity where nothing is odd', () => {
    const host = hostOf(HASWELL);
    expect(showText(host, seen(HASWELL), style)).not.toContain('Odd');
  });
});
