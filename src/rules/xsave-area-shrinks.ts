import { rule } from './rule.js';

/** Buffers sized by the source are larger than what the target writes: harmless. */
export const xsaveAreaShrinks = rule({
  code: 'xsave-area-shrinks',
  reads: ['area'],
  find: ({ from, to }) => {
    const [before, after] = [from.xsave.areaBytes, to.xsave.areaBytes];
    if (before === undefined || after === undefined || after === 0 || after >= before) return [];
    return [{ severity: 'info', component: 'xsave', facts: { before, after } }];
  },
  sentence: ({ facts: { before, after } }, { from }) =>
    `The XSAVE area shrinks from ${before} to ${after} bytes; buffers sized on ${from} are large enough.`,
  remedy: 'none',
  modes: { strict: 'blocker' },
  severities: ['info'],
  when: "the target's XSAVE area is smaller than the source's",
  meaning: 'Buffers that were sized at the source are large enough.',
  advice: '',
});
