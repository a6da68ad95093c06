import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FeatureName, ROWS } from '../../src/catalogue/index.js';
import { libvirtModel, libvirtNameSince } from '../../src/catalogue/libvirt-models.js';
import { isUserVisible } from '../../src/model/prerequisites.js';

const has = (model: string, feature: FeatureName) => libvirtModel(model)?.features.has(feature);

describe('a model of libvirt', () => {
  // From libvirt's src/cpu_map/x86_NAME.xml.
  it.each<[string, readonly FeatureName[], readonly FeatureName[]]>([
    ['Haswell', ['avx2', 'bmi2', 'fma', 'rtm', 'hle'], ['f16c', 'rdrand', 'abm', 'xsaveopt']],
    ['Haswell-noTSX-IBRS', ['avx2'], ['rtm', 'hle', 'f16c']],
    ['Broadwell-noTSX', ['adx', 'rdseed', '3dnowprefetch'], ['rtm', 'clflushopt', 'avx512f']],
    ['Skylake-Server', ['avx512f', 'clwb', 'mpx'], ['pku', 'clflushopt', 'avx512_vnni']],
    ['Skylake-Server-v4', ['avx512f', 'clwb', 'pku'], ['mpx', 'clflushopt', 'rtm', 'xsaves']],
    ['Skylake-Server-v5', ['pku', 'xsaves'], ['mpx', 'clflushopt']],
    ['Cascadelake-Server', ['avx512_vnni', 'clflushopt', 'rtm', 'mpx'], ['pku', 'umip', 'xsaves']],
    ['Icelake-Client', ['avx512vbmi', 'gfni', 'pku', 'vaes'], ['avx512f', 'clflushopt', 'sha_ni']],
    ['Icelake-Server-v7', ['rtm', 'hle', 'sha_ni', 'xsaves'], ['mpx', 'movdiri']],
    ['SapphireRapids', ['amx_tile', 'avx512_fp16', 'avx_vnni', 'fzrm'], ['cldemote', 'shstk']],
    ['SapphireRapids-v3', ['cldemote', 'movdiri', 'movdir64b'], ['shstk', 'ibt']],
    ['SapphireRapids-v6', ['shstk', 'ibt', 'amx_int8'], ['avx10']],
    ['GraniteRapids', ['amx_fp16', 'prefetchiti'], ['avx10', 'cldemote']],
    ['GraniteRapids-v2', ['avx10', 'avx10_512', 'movdir64b'], ['ibt']],
    [
      'SierraForest',
      ['avx_ifma', 'cmpccxadd', 'vaes', 'sha_ni', 'fsrs'],
      ['avx512f', 'lam', 'la57', 'fzrm', 'rtm'],
    ],
    ['SierraForest-v5', ['lam', 'cldemote', 'shstk'], ['sha512', 'prefetchiti']],
    ['ClearwaterForest', ['sha512', 'sm3', 'avx_vnni_int16', 'lam'], ['shstk', 'avx512f']],
    ['DiamondRapids', ['apx', 'amx_tf32', 'movrs', 'avx10'], ['avx10_512', 'sha512']],
    [
      'KnightsMill',
      ['avx512er', 'avx512_4fmaps', 'f16c'],
      ['avx512bw', 'avx512vl', 'clflushopt', 'xsavec'],
    ],
    ['Snowridge', ['movdiri', 'cldemote', 'gfni'], ['avx', 'xsaves', 'mpx']],
    ['Denverton', ['sha_ni', 'mpx'], ['avx', 'clwb', 'xsaves']],
    ['EPYC-IBPB', ['sse4a', 'sha_ni', 'clflushopt'], ['clzero', 'xsaves', 'clwb']],
    ['EPYC-Rome', ['clwb', 'umip', 'rdpid', 'clzero'], ['xsaves', 'vaes']],
    ['EPYC-Rome-v2', ['xsaves'], ['erms']],
    ['EPYC-Rome-v4', ['clwb'], ['xsaves']],
    ['EPYC-Milan', ['erms', 'pku', 'fsrm', 'xsaves'], ['vaes', 'lfence_rdtsc']],
    ['EPYC-Milan-v3', ['vaes', 'vpclmulqdq', 'lfence_rdtsc'], ['avx512f']],
    ['EPYC-Genoa', ['avx512_bf16', 'gfni', 'la57', 'sse4a'], ['xfd', 'rtm', 'avx_vnni']],
    ['EPYC-Turin', ['avx_vnni', 'avx512_vp2intersect', 'prefetchi', 'movdiri'], ['amx_tile']],
    ['Dhyana-v2', ['xsaves', 'sse4a'], ['aes', 'pclmulqdq', 'sha_ni']],
    ['YongFeng', ['ace2', 'pku', 'sha_ni', 'nonstop_tsc'], ['erms', 'xsavec', 'rtm']],
    ['qemu64', ['cx16', 'pni', 'lm'], ['ssse3', 'popcnt']],
    ['phenom', ['3dnowext', 'mmxext'], ['ssse3', 'sse4a', 'cx16']],
    ['kvm32', ['pni', 'sse2'], ['lm']],
  ])('%s has what its list has', (model, present, absent) => {
    expect(present.filter((name) => has(model, name) !== true)).toEqual([]);
    expect(absent.filter((name) => has(model, name) !== false)).toEqual([]);
  });

  it.each([
    ['Haswell-v2', 'Haswell-noTSX'],
    ['Broadwell-v3', 'Broadwell-IBRS'],
    ['Skylake-Server-v1', 'Skylake-Server'],
    ['Icelake-Server-v2', 'Icelake-Server-noTSX'],
    ['EPYC-v2', 'EPYC-IBPB'],
    ['kvm64-v1', 'kvm64'],
    ['pentium3-v1', 'pentium3'],
    ['SapphireRapids-v1', 'SapphireRapids'],
    ['EPYC-Turin-v1', 'EPYC-Turin'],
  ])('%s is %s', (versioned, plain) =>
    expect(libvirtModel(versioned)?.features).toEqual(libvirtModel(plain)?.features),
  );

  it.each([
    'Frobnicator-v9',
    'haswell',
    'Skylake-Server-v9',
    '',
    '__proto__',
    'constructor',
    'host',
  ])('"%s" is none', (name) => expect(libvirtModel(name)).toBeUndefined());
});

const MAP = '/usr/share/libvirt/cpu_map';

describe.skipIf(!existsSync(join(MAP, 'index.xml')))("libvirt's CPU map", () => {
  const read = (file: string) =>
    readFileSync(join(MAP, file), 'utf8').replace(/<!--[\s\S]*?-->/g, '');
  const named = new Map(
    ROWS.flatMap((row) =>
      row.names?.libvirt === undefined ? [] : [[row.names.libvirt, row.name]],
    ),
  ) as ReadonlyMap<string, FeatureName>;
  const visible = (names: Iterable<string>) =>
    [...names]
      .flatMap((name) => named.get(name) ?? [])
      .filter(isUserVisible)
      .sort();
  const files = existsSync(MAP)
    ? readdirSync(MAP).filter((file) => /^x86_(?!features|vendors)/.test(file))
    : [];

  it.each(files)('%s has the same of what tasks see', (file) => {
    const text = read(file);
    const model = /<model name='([^']+)'/.exec(text)?.[1] ?? '';
    const listed = [...text.matchAll(/<feature name='([^']+)'(?! removed)/g)].map(
      ([, name]) => name as string,
    );
    expect([...(libvirtModel(model)?.features ?? [])].sort()).toEqual(visible(listed));
  });

  it('of 9.0 has the names that it is said to have', () => {
    const names = new Set(
      [...read('x86_features.xml').matchAll(/<feature name='([^']+)'/g)].map(([, name]) => name),
    );
    const wrong = [...named].filter(
      ([name, feature]) =>
        isUserVisible(feature) && names.has(name) !== libvirtNameSince(feature) <= 1,
    );
    expect(wrong).toEqual([]);
  });
});
