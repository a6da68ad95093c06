import { describe, expect, it } from 'vitest';
import { parseCost } from '../../src/enforce/measure-cost.js';
import { costSentences, type MaskCost } from '../../src/mask/cost.js';
import { faultOf } from '../sentences.js';

const COST: MaskCost = {
  unmaskedSwitch: 1250,
  mixedSwitch: 4500,
  maskedSwitch: 1375,
  unmaskedCpuid: 90,
  trapOnOneCpu: 14_460,
  trapOnTwoCpus: 13_000,
};
const textOf = (changes: Partial<MaskCost> = {}) =>
  costSentences({ ...COST, ...changes }).join(' ');

describe('what a mask costs', () => {
  it('is said with its figures and what they mean', () => {
    expect(costSentences(COST)).toEqual([
      'A switch between a masked and an unmasked thread takes 4.5 µs here, 3.6 times as long as between two ' +
        'unmasked ones (1.3 µs): at each the kernel writes a register of the CPU, which in a virtual machine is ' +
        'left to the hypervisor. An idle CPU counts as unmasked. Between two masked threads it is 1.4 µs ' +
        '(1.1 times).',
      'Clients on this host that talk to a masked server make it slower unless they are masked, too.',
      "A CPUID takes 90 ns unmasked; masked it can't take less than 14.5 µs where the supervisor has the same " +
        'CPU, 13.0 µs where it has another.',
    ]);
  });

  it.each([
    ['a switch is as dear to all', { mixedSwitch: 1300 }, /hardly more/, /3\.6|Clients/],
    ['masked clients cost the same', { maskedSwitch: 4400 }, /3\.6 times/, /Clients/],
    ['there is one CPU', { trapOnTwoCpus: undefined }, /the same CPU\./, /another/],
    ['nothing may be traced', { trapOnOneCpu: undefined }, /3\.6 times/, /A CPUID/],
    ['switches are unknown', { maskedSwitch: undefined }, /A CPUID takes/, /switch/],
  ] as const)('where %s', (_, changes, has, hasNot) => {
    expect(textOf(changes)).toMatch(has);
    expect(textOf(changes)).not.toMatch(hasNot);
  });

  it('consists of sentences', () => {
    const all = [COST, { ...COST, mixedSwitch: 1300 }, 'this host has no CPUID faulting'] as const;
    for (const sentence of all.flatMap(costSentences)) expect(faultOf(sentence)).toBeUndefined();
  });

  it('says why it is unknown', () => {
    expect(costSentences('no figure could be had')).toEqual([
      "It wasn't measured: no figure could be had.",
    ]);
  });
});

describe('the output of "cpugate-supervisor measure"', () => {
  it('is figures by name', () => {
    const lines = [
      ...['switch-unmasked 1250', 'switch-mixed 4500', 'switch-masked 1375', 'cpuid-unmasked 90'],
      ...['stop-one-cpu 14460', 'stop-two-cpus 13000'],
    ];
    expect(parseCost(`${lines.join('\n')}\n`)).toEqual(COST);
    expect(parseCost(`${lines.slice(0, 5).join('\n')}\n`)).toEqual({
      ...COST,
      trapOnTwoCpus: undefined,
    });
  });
  it.each(['', 'switch-mixed x\n', 'switch-mixed 0\n'])('%j has none', (text) => {
    expect(parseCost(text)).toBe('no figure could be had');
  });
});
