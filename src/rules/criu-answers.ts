/** In mode criu:CAP: what CRIU's own check would say. It decides there, and all else is a note. */
import { RECORD } from './advice.js';
import { rule } from './rule.js';

export const criuRefuses = rule({
  code: 'criu-refuses',
  reads: ['criu'],
  find: ({ criu }) => {
    if (criu?.outcome !== 'refuses') return [];
    const { reason, lacking, added } = criu;
    return [{ severity: 'blocker', facts: { reason, lacking, added } }];
  },
  sentence: ({ facts: { reason, lacking, added } }) =>
    `CRIU refuses the image: "${reason}".` +
    (lacking.length === 0 ? '' : ` The target lacks ${lacking.join(' ')}.`) +
    (added.length === 0 ? '' : ` Only the target has ${added.join(' ')}.`),
  remedy: 'stay',
  severities: ['blocker'],
  when: '"criu cpuinfo check" would refuse the image',
  meaning:
    "CRIU's answer, with the reason that it gives. cpugate's own verdict stands beside it and may differ: " +
    'CRIU refuses some moves that are safe.',
  advice: 'Read the other findings. Where there is none, another --cpu-cap lets CRIU restore.',
});

export const criuUnknown = rule({
  code: 'criu-unknown',
  reads: ['criu'],
  find: ({ criu }) =>
    criu?.outcome === 'unknown' ? [{ severity: 'unknown', facts: { missing: criu.missing } }] : [],
  sentence: ({ facts: { missing } }) =>
    `CRIU's answer can't be predicted without knowing ${missing.join(', ')}.`,
  remedy: 'record',
  severities: ['unknown'],
  when: 'what CRIU compares is unknown',
  meaning: 'CRIU would decide by bits that one of the sources leaves out.',
  advice: RECORD,
});

export const criuAccepts = rule({
  code: 'criu-accepts',
  reads: ['criu'],
  find: ({ criu }) => (criu?.outcome === 'accepts' ? [{ severity: 'info', facts: {} }] : []),
  sentence: () => 'CRIU accepts the image.',
  remedy: 'none',
  severities: ['info'],
  when: '"criu cpuinfo check" would accept the image',
  meaning:
    "CRIU's answer. It doesn't look at vendors or at the places of state, and not at every instruction: " +
    "the other findings say what it passes over. Go by cpugate's own verdict, which stands beside it.",
  advice: '',
});
