/** Tools above QEMU and libvirt, which say the same CPU in words of their own. */
import { describe, expect, it } from 'vitest';
import type { Baseline } from '../../src/baseline/baseline.js';
import { QEMU_FLOOR, QEMU_MODELS } from '../../src/catalogue/qemu-models.js';
import { kubevirt as kubevirtTarget } from '../../src/export/kubevirt.js';
import { libvirt as libvirtTarget } from '../../src/export/libvirt.js';
import { nova as novaTarget } from '../../src/export/nova.js';
import { proxmox as proxmoxTarget } from '../../src/export/proxmox.js';
import { qemuCpu } from '../../src/export/qemu.js';
import { hostOfQemuCpu } from '../../src/formats/qemu-cpu.js';
import { describeHost, effectiveFeatures } from '../../src/model/capabilities.js';
import { MODEL_EXAMPLES } from './examples.js';
import { asFile, pythonYamlIsHere, readYaml } from './tools.js';

const libvirt = asFile(libvirtTarget);
const proxmox = asFile(proxmoxTarget);
const kubevirt = asFile(kubevirtTarget);
const nova = asFile(novaTarget);
const body = (text: string | Uint8Array) => `${text}`.replace(/^#.*\n/gm, '').trim();

/** Model and policies of libvirt's own file. */
function ofLibvirt(baseline: Baseline) {
  const xml = `${libvirt.write(baseline, {}).content}`;
  const policies = [...xml.matchAll(/policy='(\w+)' name='([^']+)'/g)];
  return {
    model: /<model fallback='forbid'>([^<]+)</.exec(xml)?.[1],
    features: policies.map(([, policy, name]) => ({ name, policy })),
  };
}

describe.each(MODEL_EXAMPLES)('the CPU of %s', (_, baseline) => {
  it.skipIf(!pythonYamlIsHere)('is to KubeVirt what it is to libvirt', () => {
    const { model, features } = ofLibvirt(baseline);
    expect(readYaml(`${kubevirt.write(baseline, {}).content}`)).toEqual({
      spec: {
        template: {
          spec: {
            domain: { cpu: { model, ...(features.length === 0 ? {} : { features }) } },
          },
        },
      },
    });
  });
  it('is to Nova what it is to libvirt', () => {
    const { model, features } = ofLibvirt(baseline);
    const flags = features.map(({ name, policy }) => `${policy === 'require' ? '+' : '-'}${name}`);
    expect(body(nova.write(baseline, {}).content).split('\n')).toEqual([
      '[libvirt]',
      'cpu_mode = custom',
      `cpu_models = ${model}`,
      ...(flags.length === 0 ? [] : [`cpu_model_extra_flags = ${flags.join(', ')}`]),
    ]);
  });
  it('is to Proxmox what QEMU makes of the baseline', () => {
    const lines = body(proxmox.write(baseline, {}).content).split('\n');
    const value = (key: string) =>
      lines.find((one) => one.startsWith(`    ${key} `))?.slice(5 + key.length);
    const reported = value('reported-model') ?? '';
    const flags = value('flags') ?? '';
    expect(lines[0]).toMatch(/^cpu-model: cpugate-[0-9a-f]{12}$/);
    expect(flags).toMatch(/^(?:[+-][a-zA-Z0-9\-_.]+(?:;[+-][a-zA-Z0-9\-_.]+)*)?$/);
    expect(QEMU_MODELS.some(({ libvirt: name }) => name === reported)).toBe(true);
    const shown = (argument: string) =>
      effectiveFeatures(describeHost(hostOfQemuCpu('x', argument)));
    expect(shown([reported, ...flags.split(';').filter(Boolean)].join(','))).toEqual(
      shown(qemuCpu(baseline, QEMU_FLOOR).argument),
    );
  });
});

describe('Proxmox', () => {
  it('knows no Cooper Lake: the nearest that it knows is taken', () => {
    const [, baseline] = MODEL_EXAMPLES.find(([title]) => title === 'cooperlake') ?? [];
    expect(body(proxmox.write(baseline as Baseline, {}).content)).toMatch(
      /reported-model Cascadelake-Server/,
    );
  });
});
