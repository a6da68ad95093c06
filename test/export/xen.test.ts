/** cpuid= of xl: what Xen makes of it, by its documented grammar, and by libxl where that is installed. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureRow } from '../../src/catalogue/index.js';
import { xen as xenTarget } from '../../src/export/xen.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL, V2 } from '../hosts.js';
import { MODEL_EXAMPLES } from './examples.js';
import { asFile } from './tools.js';

const xen = asFile(xenTarget);

const file = (baseline: Baseline) => `${xen.write(baseline, {}).content}`;
const settings = (baseline: Baseline) =>
  [...file(baseline).matchAll(/^ {2}"(.*)",$/gm)].map((found) => found[1] ?? '');

/** xl.cfg(5): "leaf,subleaf:register=bits,…", bit 31 first; a leaf without subleaves has none here either. */
function readSettings(baseline: Baseline): ReadonlyMap<string, string> {
  const bits = new Map<string, string>();
  for (const setting of settings(baseline)) {
    const [leaf = '', registers = ''] = setting.split(':');
    for (const one of registers.split(',')) {
      const [register, value = ''] = one.split('=');
      bits.set(`${leaf}:${register}`, value);
    }
  }
  return bits;
}

function ruleOf(baseline: Baseline, name: FeatureName): string | undefined {
  const { leaf, subleaf, reg, bit } = featureRow(name);
  if (typeof bit !== 'number') return undefined;
  const settingOf = (place: string) => readSettings(baseline).get(`${place}:${reg}`)?.[31 - bit];
  const hex = `0x${leaf.toString(16)}`;
  return settingOf(hex) ?? settingOf(`${hex},0x${subleaf.toString(16)}`);
}

describe('cpuid= of xl', () => {
  it('clears what hosts have beyond the baseline, and leaves the rest to Xen', () => {
    const both = baselineOf(models('haswell', 'skylake-sp'));
    expect(ruleOf(both, 'avx2')).toBe('x');
    expect(ruleOf(both, 'avx512f')).toBe('0');
    expect(ruleOf(both, 'avx512vl')).toBe('0');
    expect(ruleOf(both, 'xsavec')).toBe('0');
    // Xen decides what of these it gives a domain's kernel.
    const older = baselineOf(models('nehalem', 'skylake-sp'));
    expect(ruleOf(older, 'avx')).toBe('0');
    expect(ruleOf(older, 'pcid')).toBe('x');
    expect(ruleOf(older, 'osxsave')).toBe('x');
  });
  it('clears what a richer host may have that is no part of the cluster', () =>
    expect(ruleOf(baselineOfPlans([HASWELL]), 'avx512f')).toBe('0'));
  it('names the subleaf of leaves that have some, and of no other', () => {
    const both = baselineOf(models('nehalem', 'sapphirerapids'));
    const leaves = settings(both).map((setting) => setting.split(':')[0]);
    expect(leaves).toEqual(expect.arrayContaining(['0x1', '0x7,0x0', '0x7,0x1', '0x80000001']));
    for (const leaf of leaves) expect(leaf).toMatch(/^0x(?:7,0x[01]|d,0x1|[^7d,]+)$/);
    // Tiles, AVX10 and APX have leaves that Xen refuses.
    expect(file(baselineOf(models('haswell', 'graniterapids')))).not.toMatch(
      /0x(?:14|19|1e|24|29)/,
    );
  });
  it('says which line Xen may refuse', () => {
    const said = xen.write(baselineOf(models('nehalem', 'sapphirerapids')), {}).said.join('\n');
    expect(said).toMatch(/take that line out \(of 0x7,0x0 and 0x7,0x1 and 0xd,0x1\)/);
  });
  it('says of several vendors what becomes of a domain that moves', () => {
    const said = xen.write(baselineOf(models('haswell', 'epyc-rome')), {}).said.join('\n');
    expect(said).toContain('several vendors');
  });
  it.each(MODEL_EXAMPLES)(
    'of %s forces no bit on and hides no bit of the baseline',
    (_, baseline) => {
      const bits = readSettings(baseline);
      for (const [place, value] of bits) expect(value, place).toMatch(/^[0x]{32}$/);
      const kept = new Set<FeatureName>([...baseline.features, ...EVERY_64_BIT_CPU]);
      for (const name of VISIBLE) {
        const rule = ruleOf(baseline, name);
        if (kept.has(name)) expect([undefined, 'x'], name).toContain(rule);
        else if (rule !== undefined && name !== 'osxsave' && name !== 'ospke')
          expect([name, rule]).toEqual([name, '0']);
      }
    },
  );
  it('is of one form for the least baseline, too', () =>
    expect(ruleOf(baselineOfPlans([{ features: V2 }, HASWELL]), 'avx')).toBe('0'));
});

/** Reads a configuration as xl does, and has libxl parse each string; prints what it says. */
const PROGRAM = `
import ctypes, glob, os, sys
folders = os.environ.get('LD_LIBRARY_PATH', '').split(':') + ['/usr/lib/x86_64-linux-gnu']
def load(name):
    return ctypes.CDLL(next(path for folder in folders for path in glob.glob('%s/%s.so*' % (folder, name))))
util, light = load('libxlutil'), load('libxenlight')
util.xlu_cfg_init.restype = ctypes.c_void_p
util.xlu_cfg_get_listitem.restype = ctypes.c_char_p
libc = ctypes.CDLL(None)
cfg = ctypes.c_void_p(util.xlu_cfg_init(ctypes.c_void_p.in_dll(libc, 'stderr'), b'test'))
text = sys.stdin.buffer.read()
if not text: sys.exit(0)
print(util.xlu_cfg_readdata(cfg, text, len(text)))
items, count = ctypes.c_void_p(), ctypes.c_int()
print(util.xlu_cfg_get_list(cfg, b'cpuid', ctypes.byref(items), ctypes.byref(count), 0))
policy = ctypes.c_void_p()
for place in range(count.value):
    item = util.xlu_cfg_get_listitem(items, place)
    print(light.libxl_cpuid_parse_config_xend(ctypes.byref(policy), item), item.decode())
`;

const readByXl = (text: string) =>
  spawnSync('python3', ['-c', PROGRAM], { input: text, encoding: 'utf8' });

describe.skipIf(readByXl('').status !== 0)('libxl', () => {
  it.each(MODEL_EXAMPLES)('takes every string for %s', (_, baseline) => {
    const { stdout, stderr } = readByXl(file(baseline));
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      '0',
      '0',
      ...settings(baseline).map((setting) => `0 ${setting}`),
    ]);
  });
  it('refuses what it is not', () =>
    expect(readByXl('cpuid = [ "0x7,0x0:ebx=0" ]\n').stdout).toMatch(/^0\n0\n5 /));
});
