import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { clusterOf } from '../../src/baseline/cluster.js';
import { shownUnder } from '../../src/baseline/under-mask.js';
import type { FeatureName } from '../../src/catalogue/index.js';
import { judgeCode } from '../../src/judge/code.js';
import type { Capabilities } from '../../src/model/capabilities.js';
import { describeHost } from '../../src/model/capabilities.js';
import type { CodeClass, CodeEvidence, UnreadReason } from '../../src/model/code-audit.js';
import { HASWELL, hostOf, seen, V2, V4 } from '../hosts.js';
import { faultOf } from '../sentences.js';

/** A file with one feature in one class. */
function evidence(kind: CodeClass, feature: FeatureName, functions = 3): CodeEvidence {
  const first = { symbol: 'mix', offset: 4, address: 0x1234, length: 5 };
  const use = [{ feature, functions, first: functions === 0 ? null : first }];
  const none = { needs: [], chooses: [], unclear: [] };
  return {
    files: [
      { path: '/usr/bin/server', audit: { buildId: null, unprovenBytes: 0, ...none, [kind]: use } },
    ],
    unread: [],
  };
}

const small = seen({ ...HASWELL, name: 'small', features: V2 });
const vague = seen({ name: 'vague', features: V4, untold: ['avx', 'bmi2'], maskUntold: true });

const CASES: readonly (readonly [
  what: string,
  evidence: CodeEvidence,
  to: Capabilities,
  verdict: string,
  findings: readonly string[],
])[] = [
  [
    'needs what is missing',
    evidence('needs', 'avx2'),
    small,
    'incompatible',
    ['blocker code-needs avx2'],
  ],
  ['needs what is there', evidence('needs', 'avx2'), seen(HASWELL), 'compatible', []],
  [
    'needs what may be missing',
    evidence('needs', 'avx2'),
    vague,
    'unknown',
    ['unknown code-needs avx2'],
  ],
  [
    'needs by its note',
    evidence('needs', 'avx2', 0),
    small,
    'incompatible',
    ['blocker code-needs avx2'],
  ],
  [
    'may need what is missing',
    evidence('unclear', 'avx2'),
    small,
    'at-risk',
    ['risk code-unclear avx2'],
  ],
  [
    'chooses what is missing',
    evidence('chooses', 'avx2'),
    small,
    'compatible',
    ['info code-chooses avx2'],
  ],
  ['is empty', { files: [], unread: [] }, small, 'compatible', []],
  [
    'was made at run time',
    { files: [], unread: [{ what: 'memory at 0x1000', why: 'made-at-run-time', bytes: 4096 }] },
    small,
    'at-risk',
    ['risk code-unread'],
  ],
];

describe('code that', () => {
  it.each(CASES)('%s', (_, code, to, verdict, expected) => {
    const report = judgeCode(code, to);
    expect(report.verdict).toBe(verdict);
    expect(
      report.findings.map(({ severity, code, feature }) =>
        [severity, code, feature].filter(Boolean).join(' '),
      ),
    ).toEqual(expected);
    for (const { effect } of report.findings)
      expect(faultOf(effect, [to.name, '/usr/bin/server'])).toBeUndefined();
  });
  it('is allowed a feature that the user takes on himself', () => {
    const report = judgeCode(evidence('needs', 'avx2'), small, { allow: ['avx2'] });
    expect([report.verdict, report.allowed]).toEqual([
      'compatible',
      [{ name: 'avx2', used: true }],
    ]);
  });
});

describe('a baseline as a target', () => {
  it('has what it shows, whatever its hosts have', () => {
    const hosts = [
      hostOf({ ...HASWELL, name: 'large' }),
      hostOf({ ...HASWELL, name: 'small', features: V2 }),
    ];
    const baseline = baselineOf(clusterOf(hosts.map((host) => describeHost(host))));
    const to = shownUnder('pool.json', baseline);
    expect(judgeCode(evidence('needs', 'avx2'), to).verdict).toBe('incompatible');
    expect(judgeCode(evidence('needs', 'sse4_2'), to).verdict).toBe('compatible');
  });
});

describe('code of tasks that were dumped', () => {
  const large = seen(HASWELL);
  const shown = (kind: CodeClass, by: Capabilities): CodeEvidence => {
    const { files, unread } = evidence(kind, 'avx2');
    return { files: files.map((file) => ({ ...file, shown: by })), unread };
  };
  const dim = seen({ name: 'dim', features: V4, untold: ['avx2'], maskUntold: true });

  it.each<[string, Capabilities, Capabilities, string, string[]]>([
    ['were shown it', large, small, 'incompatible', ['blocker code-chosen']],
    ["weren't shown it", small, small, 'compatible', ['info code-chooses']],
    ['may have been shown it', dim, small, 'unknown', ['unknown code-chosen']],
    ['were shown what the target may lack', large, dim, 'unknown', ['unknown code-chosen']],
    ['were shown what is there', large, large, 'compatible', []],
  ])('that asks, and they %s', (_, by, to, verdict, expected) => {
    const report = judgeCode(shown('chooses', by), to);
    expect(report.verdict).toBe(verdict);
    expect(report.findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(expected);
    for (const { effect } of report.findings)
      expect(faultOf(effect, [to.name, '/usr/bin/server'])).toBeUndefined();
  });
  it('that needs it is what it is without them', () => {
    const report = judgeCode(shown('needs', large), small);
    expect(report.findings.map(({ code }) => code)).toEqual(['code-needs']);
  });
});

describe("code that wasn't looked at", () => {
  it.each<[UnreadReason, number]>([
    ['made-at-run-time', 4096],
    ['gone', 4096],
    ['unreadable', 0],
    ['missing', 4096],
    ['other-file', 4096],
    ['no-program', 0],
    ['not-dumped', 0],
  ])('%s is a risk, in a sentence', (why, bytes) => {
    const { verdict, findings } = judgeCode(
      { files: [], unread: [{ what: '/usr/bin/server', why, bytes }] },
      small,
    );
    expect(verdict).toBe('at-risk');
    const effect = findings[0]?.effect ?? '';
    expect(faultOf(effect, ['/usr/bin/server'])).toBeUndefined();
    expect(effect).toMatch(bytes === 0 ? /^Code in / : /^4096 bytes of code in /);
  });
});
