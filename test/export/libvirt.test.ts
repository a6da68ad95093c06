import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Baseline, baselineOf } from '../../src/baseline/baseline.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { EVERY_64_BIT_CPU, type FeatureName, featureRow } from '../../src/catalogue/index.js';
import { QEMU_MODELS } from '../../src/catalogue/qemu-models.js';
import { libvirtName, libvirt as libvirtTarget } from '../../src/export/libvirt.js';
import { qemu as qemuTarget } from '../../src/export/qemu.js';
import { SET_BY_GUEST } from '../../src/export/virtual-model.js';
import { baselineOfPlans, models } from '../baseline/clusters.js';
import { HASWELL } from '../hosts.js';
import { corpusExamples, MODEL_EXAMPLES } from './examples.js';
import { asFile, isHere } from './tools.js';

const libvirt = asFile(libvirtTarget);
const qemu = asFile(qemuTarget);

function xmlOf(baseline: Baseline): string {
  return `${libvirt.write(baseline, {}).content}`;
}

const byName = new Map(VISIBLE.map((name) => [featureRow(name).names?.libvirt ?? '', name]));

function featuresIn(xml: string, pattern: RegExp): FeatureName[] {
  return [...xml.matchAll(pattern)]
    .map((found) => byName.get(found[1] ?? ''))
    .filter((name) => name !== undefined);
}

describe('<cpu>', () => {
  it('is a model and the policies in which it differs', () => {
    expect(
      xmlOf(baselineOf(models('skylake-sp'))).replace(/<!--[\s\S]*?-->\n/, ''),
    ).toBe(`<cpu mode='custom' match='exact' check='partial'>
  <model fallback='forbid'>Skylake-Server-noTSX-IBRS</model>
  <vendor>Intel</vendor>
  <feature policy='require' name='mpx'/>
  <feature policy='require' name='clflushopt'/>
  <feature policy='require' name='pku'/>
  <feature policy='require' name='xsaves'/>
</cpu>
`);
  });
  it('takes away what the model has beyond', () => {
    const xml = xmlOf(baselineOf(models('x86-64-v1')));
    expect(xml).toContain("<model fallback='forbid'>kvm64</model>");
    expect(xml).toContain("<feature policy='disable' name='cx16'/>");
    expect(xml).not.toContain('<vendor>');
  });
  it("says both ways what libvirt's map and QEMU don't agree on", () => {
    expect(xmlOf(baselineOf(models('haswell')))).toContain("policy='require' name='f16c'");
    expect(xmlOf(baselineOf(models('icelake-sp')))).toContain("policy='disable' name='mpx'");
  });
  it('is silent on the vendor where there are several, and says what that means', () => {
    const baseline = baselineOf(models('haswell', 'epyc-rome'));
    expect(xmlOf(baseline)).not.toContain('<vendor>');
    expect(libvirt.write(baseline, {}).said.join('\n')).toContain('several vendors');
  });
  it('keeps what a record calls its vendor inside of comments', () => {
    const odd = baselineOfPlans([HASWELL, { ...HASWELL, name: 'b', vendor: '-->\n<evil/>\n' }]);
    expect(xmlOf(odd)).not.toMatch(/-->\n<evil|^<evil/m);
    expect(`${qemu.write(odd, {}).content}`).not.toMatch(/^<evil/m);
  });
  it('says what libvirt has no name for, in the file and to the caller', () => {
    const { content, lost } = libvirt.write(baselineOf(models('sierraforest')), {});
    expect(lost[0]).toMatch(/^libvirt 9\.0 has no name for .*avx_ifma/);
    expect(content).toMatch(/<!--[\s\S]*avx_ifma[\s\S]*-->/);
  });
});

const MAP = '/usr/share/libvirt/cpu_map';
const mapHere = existsSync(join(MAP, 'index.xml'));

/** A model of libvirt's CPU map, with what it takes over from another. */
function mapped(model: string): FeatureName[] {
  const xml = readFileSync(join(MAP, `x86_${model}.xml`), 'utf8');
  const base = /<model name='([^']+)'\/>/.exec(xml)?.[1];
  const own = featuresIn(xml, /<feature name='([^']+)'[^>]*\/>/g);
  return base === undefined ? own : [...mapped(base), ...own];
}

describe.skipIf(!mapHere)("libvirt's CPU map", () => {
  it('has the names', () => {
    const xml = readFileSync(join(MAP, 'x86_features.xml'), 'utf8');
    for (const name of VISIBLE) {
      const spelled = libvirtName(name);
      if (spelled !== undefined) expect(xml).toContain(`<feature name='${spelled}'`);
    }
  });
  const examples = [...MODEL_EXAMPLES, ...corpusExamples()];
  it.each(examples)('makes of %s the baseline, as QEMU does', (_, baseline) => {
    const xml = xmlOf(baseline);
    const model = /<model fallback='forbid'>([^<]+)</.exec(xml)?.[1] ?? '';
    const required = featuresIn(xml, /policy='require' name='([^']+)'/g);
    const disabled = new Set(featuresIn(xml, /policy='disable' name='([^']+)'/g));
    const allowed = new Set<FeatureName>([...baseline.features, ...EVERY_64_BIT_CPU]);
    const told = libvirt
      .write(baseline, {})
      .lost.join(' ')
      .split(/[ ,.]+/);
    const qemus = QEMU_MODELS.find((one) => one.libvirt === model)?.features ?? [];
    for (const own of [mapped(model), qemus]) {
      const shown = new Set([...own, ...required].filter((one) => !disabled.has(one)));
      expect([...shown].filter((name) => !allowed.has(name))).toEqual([]);
      for (const name of baseline.features)
        if (!shown.has(name) && !SET_BY_GUEST.has(name)) expect(told, name).toContain(name);
    }
  });
});

describe.skipIf(!isHere('virt-xml-validate', '--help') || !isHere('xmllint', '--version'))(
  'virt-xml-validate',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'cpugate-libvirt-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'domain.xml');
    const validate = (cpu: string) => {
      writeFileSync(
        file,
        `<domain type='kvm'><name>guest</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os>
${cpu}</domain>`,
      );
      return spawnSync('virt-xml-validate', [file, 'domain'], { encoding: 'utf8' });
    };
    it.each([['x86-64-v1'], ['cascadelake'], ['epyc-turin'], ['sapphirerapids']])(
      'accepts a domain with the CPU of %s',
      (name) => {
        const { status, stdout, stderr } = validate(xmlOf(baselineOf(models(name))));
        expect(status, stdout + stderr).toBe(0);
      },
    );
    it('would see a mistake', () => {
      const xml = xmlOf(baselineOf(models('cascadelake'))).replace("'require'", "'wanted'");
      expect(validate(xml).status).not.toBe(0);
    });
  },
);
