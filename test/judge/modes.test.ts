import { describe, expect, it } from 'vitest';
import { exitStatus, judge, VERDICTS } from '../../src/judge/verdict.js';
import type { Severity } from '../../src/rules/finding.js';
import { FINDING_CODES, type Finding, ruleOf } from '../../src/rules/index.js';
import type { Mode } from '../../src/rules/mode-names.js';
import { HASWELL, hostOf } from '../hosts.js';
import { compareHosts } from './between.js';

const finding = (
  code: Finding['code'],
  severity: Severity,
  more: Partial<Finding> = {},
): Finding => ({ code, severity, facts: {}, effect: '', remedy: 'none', ...more });
const severityIn = (mode: Mode, one: Finding) => ruleOf(one.code).severityIn(mode, one);

describe('verdict', () => {
  it.each([
    [[], 'compatible'],
    [['info'], 'compatible'],
    [['info', 'risk'], 'at-risk'],
    [['risk', 'unknown'], 'unknown'],
    [['unknown', 'blocker', 'risk'], 'incompatible'],
  ] as const)('of %j is %s', (severities, verdict) => {
    expect(judge(severities.map((severity) => finding('data-missing', severity)))).toBe(verdict);
  });
});

describe('exit status', () => {
  it.each([
    ['compatible', undefined, 0],
    ['incompatible', undefined, 1],
    ['at-risk', undefined, 3],
    ['unknown', undefined, 4],
    ['at-risk', 'unknown', 0],
    ['unknown', 'unknown', 4],
    ['incompatible', 'unknown', 1],
    ['at-risk', 'incompatible', 0],
    ['unknown', 'incompatible', 0],
    ['incompatible', 'incompatible', 1],
    ['compatible', 'compatible', 0],
    ['at-risk', 'compatible', 3],
  ] as const)('of %s with --fail-on %s is %i', (verdict, failOn, status) => {
    expect(exitStatus(verdict, failOn)).toBe(status);
  });
  it('is never 0 for incompatible', () => {
    for (const failOn of VERDICTS.slice(1)) expect(exitStatus('incompatible', failOn)).toBe(1);
  });
});

describe('mode strict', () => {
  // Every difference that a task can see.
  it.each([
    'instruction-missing',
    'state-missing',
    'xsave-area-grows',
    'compacted-area-grows',
    'kernel-feature-missing',
    'state-layout',
    'tile-geometry',
    'signal-frame-layout',
    'binding-in-flight',
    'signal-frame-grows',
    'permission-lost',
    'vendor-differs',
    'cache-line-differs',
    'address-width',
    'hint-missing',
    'identity-differs',
    'tsc-rate-differs',
    'highest-leaf',
    'xsave-area-shrinks',
    'state-added',
    'feature-added',
  ] as const)('makes %s a blocker', (code) => {
    for (const severity of ['info', 'risk', 'blocker'] as const)
      expect(severityIn('strict', finding(code, severity))).toBe('blocker');
  });
  it.each(['state-not-enabled', 'cpus-differ'] as const)(
    'leaves %s, which is no difference between the two hosts',
    (code) => {
      expect(severityIn('strict', finding(code, 'info'))).toBe('info');
    },
  );
  it('leaves what is not known unknown', () => {
    expect(severityIn('strict', finding('data-missing', 'unknown'))).toBe('unknown');
  });
});

describe('mode instructions', () => {
  it.each([
    [
      'a lost instruction blocks',
      finding('instruction-missing', 'blocker', { feature: 'avx2' }),
      'blocker',
    ],
    [
      'a lost XSAVE instruction is a risk',
      finding('instruction-missing', 'blocker', { feature: 'xsavec' }),
      'risk',
    ],
    ['lost state is a risk', finding('state-missing', 'blocker', { component: 'pkru' }), 'risk'],
    [
      'a growing area is a note',
      finding('xsave-area-grows', 'blocker', { component: 'xsave' }),
      'info',
    ],
    [
      'a packed area that grows is a note',
      finding('compacted-area-grows', 'blocker', { component: 'xsave' }),
      'info',
    ],
    ['smaller tiles are a risk', finding('tile-geometry', 'blocker'), 'risk'],
    ['larger tiles that fit are a note', finding('tile-geometry', 'info'), 'info'],
    ['another vendor is a note', finding('vendor-differs', 'risk'), 'info'],
    ['another size of cache lines is a note', finding('cache-line-differs', 'risk'), 'info'],
    ['narrower addresses are a note', finding('address-width', 'risk'), 'info'],
    ["a mapping that the target can't make blocks", finding('address-width', 'blocker'), 'blocker'],
    ['another layout is a note', finding('state-layout', 'risk', { component: 'pkru' }), 'info'],
    [
      'a lost kernel feature is a risk',
      finding('kernel-feature-missing', 'blocker', { feature: 'rdtscp' }),
      'risk',
    ],
    ['a note stays one', finding('kernel-feature-missing', 'info', { feature: 'umip' }), 'info'],
    [
      'unknown instructions stay unknown',
      finding('data-missing', 'unknown', { feature: 'avx2' }),
      'unknown',
    ],
    [
      'unknown sizes are a note',
      finding('data-missing', 'unknown', { component: 'xsave' }),
      'info',
    ],
  ])('%s', (_, input, severity) => {
    expect(severityIn('instructions', input)).toBe(severity);
  });
});

describe('every mode', () => {
  it.each(['portable', 'advisory'] as const)('%s changes no severity', (mode) => {
    for (const code of FINDING_CODES)
      for (const severity of ['blocker', 'risk', 'info', 'unknown'] as const)
        expect(severityIn(mode, finding(code, severity))).toBe(severity);
  });
});

describe('modes at their edges', () => {
  it.each(['state-added', 'feature-added', 'xsave-area-shrinks'] as const)(
    'strict: %s blocks',
    (code) => {
      expect(severityIn('strict', finding(code, 'info'))).toBe('blocker');
    },
  );
  it('instructions: a growing signal frame is a note', () => {
    expect(severityIn('instructions', finding('signal-frame-grows', 'risk'))).toBe('info');
  });
  it.each([
    ['a kernel feature', { feature: 'rdtscp' }],
    ['a state component', { component: 'pkru' }],
  ] as const)('instructions: %s that is not told is a risk, as its loss is', (_, about) => {
    expect(severityIn('instructions', finding('data-missing', 'unknown', about))).toBe('risk');
  });
  it.each([
    ['a feature', 'hle', true],
    ['a code', 'instruction-missing', true],
    ['another feature', 'rtm', false],
  ])('--allow takes out a risk by %s', (_, name, used) => {
    const from = hostOf({ ...HASWELL, features: [...HASWELL.features, 'hle'] });
    const { verdict, allowed } = compareHosts(from, hostOf(HASWELL), { allow: [name] });
    expect([verdict, allowed]).toEqual([used ? 'compatible' : 'at-risk', [{ name, used }]]);
  });
});
