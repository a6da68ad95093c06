import { describe, expect, it } from 'vitest';
import { baselineOf } from '../../src/baseline/baseline.js';
import { VISIBLE } from '../../src/baseline/host-kind.js';
import { featureRow } from '../../src/catalogue/index.js';
import { virtualCpuModel, virtualCpuNames } from '../../src/catalogue/qemu-aliases.js';
import { isVirtualCpu } from '../../src/cli/load-host.js';
import { placeRemarks } from '../../src/export/place-remarks.js';
import { qemu, qemuCpu as qemuArgument } from '../../src/export/qemu.js';
import { readHost } from '../../src/formats/index.js';
import { hostOfQemuCpu, qemuCpu } from '../../src/formats/qemu-cpu.js';
import { describeHost } from '../../src/model/capabilities.js';
import { isInputError } from '../../src/model/errors.js';
import { ABSENT, PRESENT } from '../../src/model/xsave.js';
import { models } from '../baseline/clusters.js';
import { askQemu, qemuVersion } from '../export/qemu-tool.js';
import { names as profiles } from '../profiles/load.js';
import { failureOf } from './dump-text.js';

const read = async (text: string) => describeHost(await readHost('x', Buffer.from(text)));

describe("QEMU's -cpu", () => {
  it.each([
    ['alone', 'Haswell-v4,+pku,-aes\n'],
    ['as an option', '-cpu Haswell-v4,+pku,-aes\n'],
    [
      'quoted in a command line',
      "/usr/bin/kvm -id 100 -name web-7 -cpu 'Haswell-v4,pku=on,aes=off' -m 4096\n",
    ],
    ['with the last word counting', '-cpu Haswell-v4,-aes,+pku,aes=on,+kvm_pv_unhalt\n'],
    ['under its second name', '-cpu Haswell-noTSX-IBRS,+pku,-aes,enforce\n'],
  ])('%s', async (_, text) => {
    const seen = await read(text);
    const has = (name: 'avx2' | 'pku' | 'aes' | 'rtm' | 'avx512f') => seen.effective(name);
    expect([has('avx2'), has('pku'), has('aes'), has('rtm'), has('avx512f')]).toEqual([
      PRESENT,
      PRESENT,
      ABSENT,
      ABSENT,
      ABSENT,
    ]);
    expect([seen.vendor, seen.xsave.enabled.value]).toEqual(['GenuineIntel', 0x207n]);
  });
  it('says what may be less than it seems', async () => {
    const remarks = async (text: string) =>
      (await readHost('x', Buffer.from(text))).remarks.join(' ');
    expect(await remarks('-cpu Haswell,+pku')).toMatch(/version 1.*Without "enforce"/s);
    expect(await remarks('-cpu Haswell-v4,+pku,enforce')).not.toMatch(/version 1|Without/);
    expect(await remarks('-cpu Haswell-v4,hv-relaxed=on')).toContain('hv-relaxed=on');
  });
  it('of an exported file is the baseline that it was made of', async () => {
    const baseline = baselineOf(models('haswell'));
    const argument = qemuArgument(baseline, '8.1');
    const { content } = placeRemarks(qemu, qemu.write(baseline, {}));
    const seen = await read(`${content}`);
    const has = VISIBLE.filter((name) => seen.effective(name) === PRESENT && name !== 'osxsave');
    expect(has).toEqual(VISIBLE.filter((name) => argument.shown.includes(name)));
  });
  it.each([
    ['a guest of whatever its host is', '-cpu host,migratable=on\n', /host has/],
    ['a model that nobody knows', '-cpu Frobnicator-v9\n', /Frobnicator-v9/],
    ['two machines', 'a -cpu Haswell-v1\nb -cpu Haswell-v4\n', /more than one/],
    ['an option without a value', 'kvm -cpu -m 4096\n', /no -cpu/],
    ['a feature that is neither on nor off', '-cpu Haswell-v4,avx2=maybe\n', /"avx2=maybe"/],
    ['a sign that moves the cursor', '-cpu Haswell-v4,pku=\u0000\n', /no property/],
    ['letters beyond ASCII', '-cpu Haswell-v4,pku=\u00fc\n', /no property/],
  ])('%s is refused', (_, text, message) => {
    expect(failureOf(qemuCpu, text).message).toMatch(message);
  });
  it('suggests the nearest name', () => {
    try {
      hostOfQemuCpu('x', 'Haswel-v4');
      throw new Error('was read');
    } catch (error) {
      if (!isInputError(error)) throw error;
      expect(error.remedy).toContain('Haswell-v4');
    }
  });
});

describe('a name in the place of a host', () => {
  it.each([
    'Skylake-Server-v4',
    'Haswell-noTSX-IBRS',
    'EPYC-IBPB',
    'Westmere-IBRS',
    'kvm64',
    'qemu64',
    'x86-64-v2-AES',
    'Opteron_G5-v1',
    'qemu:Haswell',
    'qemu:Haswell-v4,+pku',
  ])('%s is a virtual CPU', (name) => {
    expect(isVirtualCpu(name)).toBe(true);
    expect(hostOfQemuCpu(name, name.replace('qemu:', '')).cpus).toHaveLength(1);
  });
  it.each([
    'web-v2',
    'x86-64-v2',
    'host.json',
    './Haswell-v4',
    'cluster',
    'baseline-v1.json',
    'qemu:../x',
  ])('%s is none', (name) => expect(isVirtualCpu(name)).toBe(false));
  it('of a shipped model goes before', () => {
    for (const name of profiles) expect(isVirtualCpu(name)).toBe(false);
  });
});

describe.skipIf(qemuVersion !== '7.2')('QEMU itself', () => {
  it('expands every name to what the table has', () => {
    const names = virtualCpuNames().filter(
      (name) => !/^(?:x86-64|SapphireRapids|GraniteRapids|EPYC-Genoa|EPYC-Milan-v2)/.test(name),
    );
    const { returned } = askQemu(
      ['-machine', 'none'],
      names.map((name) => ({
        execute: 'query-cpu-model-expansion',
        arguments: { type: 'full', model: { name } },
      })),
    );
    names.forEach((name, place) => {
      const { model } = returned[place] as { model: { props: Record<string, unknown> } };
      const shown = VISIBLE.filter(
        (one) => model.props[featureRow(one).names?.qemu ?? ''] === true,
      );
      expect([...(virtualCpuModel(name)?.features ?? [])].sort(), name).toEqual([...shown].sort());
    });
  });
});
