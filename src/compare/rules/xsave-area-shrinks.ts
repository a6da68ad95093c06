import type { Rule } from '../finding.js';

/** Buffers sized by the source are larger than what the target writes: harmless. */
export const xsaveAreaShrinks: Rule = (from, to) => {
  const [before, after] = [from.xsave.areaBytes, to.xsave.areaBytes];
  if (before === undefined || after === undefined || after === 0 || after >= before) return [];
  return [
    {
      code: 'xsave-area-shrinks',
      severity: 'info',
      component: 'xsave',
      effect: `The XSAVE area shrinks from ${before} to ${after} bytes; buffers sized on ${from.name} are large enough.`,
      remedy: 'none',
    },
  ];
};
