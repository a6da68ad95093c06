/** The table behind "explain CODE" says what the rules do, and docs/checking.md says the same. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/model/host.js';
import { REMEDIES, SEVERITIES } from '../../src/rules/finding.js';
import { FINDING_CODES, type FindingCode, ruleOf } from '../../src/rules/index.js';
import { MODES } from '../../src/rules/mode-names.js';
import { severitiesIn } from '../../src/rules/severities.js';
import { HASWELL, hostOf } from '../hosts.js';
import { compareHosts } from '../judge/between.js';
import { names, hostOf as profileOf } from '../profiles/load.js';

const docs = readFileSync(new URL('../../docs/checking.md', import.meta.url), 'utf8');

/** Rows of the tables of findings: the codes in the first column, the severities named in the last. */
const rows = docs
  .split('\n')
  .filter((line) => /^\| `[a-z-]+`/.test(line))
  .map((line) => {
    const cells = line.split('|');
    return {
      codes: [...(cells[1] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, code]) => code as FindingCode),
      severities: SEVERITIES.filter((severity) =>
        new RegExp(`\\b${severity}\\b`, 'i').test(cells.at(-2) ?? ''),
      ),
    };
  })
  .filter(({ codes }) => codes.every((code) => FINDING_CODES.includes(code)));

/** What all rows about a code together say; some stand in one row, some in two. */
const said = (codes: readonly FindingCode[]) =>
  new Set(
    rows
      .filter((row) => row.codes.some((code) => codes.includes(code)))
      .flatMap((row) => row.severities),
  );

describe('docs/checking.md', () => {
  it('has every code', () => {
    const documented = new Set(rows.flatMap(({ codes }) => codes));
    expect(FINDING_CODES.filter((code) => !documented.has(code))).toEqual([]);
  });
  it.each(rows.filter(({ severities }) => severities.length > 0).map(({ codes }) => [codes]))(
    'gives %j the severities that explain gives',
    (codes) => {
      expect(said(codes)).toEqual(new Set(codes.flatMap((code) => ruleOf(code).severities)));
    },
  );
});

describe('the schema of a report', () => {
  it.each(['check-report', 'baseline-change'])('%s lists the codes as the rules do', (name) => {
    const file = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
    const { properties } = JSON.parse(readFileSync(file, 'utf8'));
    const { code, remedy, severity } = properties.findings.items.properties;
    expect(code.enum).toEqual(FINDING_CODES);
    expect(remedy.enum).toEqual(REMEDIES);
    expect(severity.enum).toEqual(SEVERITIES);
  });
});

describe('rules', () => {
  const hosts: Host[] = [
    ...names.map(profileOf),
    hostOf(HASWELL),
    hostOf({ ...HASWELL, name: 'b', mask: 0x3n, areaBytes: 576, places: {} }),
  ];
  it.each(MODES)('give no finding another severity than explain names in mode %s', (mode) => {
    const wrong = new Set<string>();
    for (const from of hosts)
      for (const to of hosts)
        for (const { code, severity } of compareHosts(from, to, { mode }).findings)
          if (!severitiesIn(mode, code).includes(severity)) wrong.add(`${code}: ${severity}`);
    expect([...wrong]).toEqual([]);
  });
});

describe('an explanation', () => {
  it.each(FINDING_CODES)(
    'of %s names its severities from bad to good, and says where each',
    (code) => {
      const { severities, where } = ruleOf(code);
      expect(SEVERITIES.filter((severity) => severities.includes(severity))).toEqual(severities);
      expect(where !== undefined).toBe(severities.length > 1);
    },
  );
  it('in mode portable has what the table has', () => {
    for (const code of FINDING_CODES)
      expect(severitiesIn('portable', code)).toEqual(ruleOf(code).severities);
  });
});
