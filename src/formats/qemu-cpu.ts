/**
 * What stands behind QEMU's -cpu: a model, "+" and "-" features, and properties. Given alone, in a command line
 * (of ps, libvirt's log, "qm showcmd"), or in the file that "cpugate export --for qemu" writes. It says what
 * a guest is to see; without "enforce" QEMU leaves out what KVM on a host can't give, and says so in its log.
 * Source: QEMU docs/system/qemu-cpu-models; target/i386/cpu.c (x86_cpu_parse_featurestr).
 */
import type { FeatureName } from '../catalogue/index.js';
import { virtualCpuModel, virtualCpuNames } from '../catalogue/qemu-aliases.js';
import { InputError } from '../model/errors.js';
import {
  mergeRows,
  partOfRow,
  rowsFromFeatures,
  vendorRow,
  xcr0FromFeatures,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { leafTable } from '../model/leaves.js';
import { isUserVisible } from '../model/prerequisites.js';
import { fieldMask } from '../model/registers.js';
import { suggest } from '../model/suggest.js';
import { type Format, type Input, malformed } from './format.js';
import { featureOfProperty } from './qemu-expansion.js';
import { quote } from './text-dump.js';

const LONGEST = 16 * 1024;
const MODEL = '[A-Za-z0-9][\\w.-]{0,60}';
const PROPERTY = '[+-]?[A-Za-z0-9][\\w.-]{0,60}(?:=[^\\s,\'"]{0,200})?';
const ARGUMENT = `(${MODEL}(?:,${PROPERTY}){0,400})`;
/** Not in a comment of an exported file. */
const IN_COMMAND = new RegExp(
  `^(?!#)[^\\n]{0,8000}?(?:^|\\s)-cpu\\s{1,8}['"]?${ARGUMENT}(?![^\\s'"])`,
  'gm',
);
const ALONE = new RegExp(`^\\s{0,100}${ARGUMENT}\\s{0,100}$`);

/** They have what the host has, or all that QEMU can emulate. */
const OF_THE_HOST: ReadonlySet<string> = new Set(['host', 'max', 'base']);
/** Set by the guest's system. */
const SET_BY_GUEST: ReadonlySet<FeatureName> = new Set(['osxsave', 'ospke']);

function argumentOf(input: Input): string {
  const text = input.text();
  const alone = ALONE.exec(text)?.[1];
  if (alone !== undefined) return alone;
  const found = new Set([...text.matchAll(IN_COMMAND)].map(([, argument = '']) => argument));
  const [argument, another] = found;
  if (argument === undefined)
    throw malformed(
      input,
      'has no -cpu that can be read',
      {},
      'Expected "-cpu MODEL,+feature,-feature".',
    );
  if (another !== undefined)
    throw malformed(input, 'has more than one -cpu', {}, 'Give the command line of one machine.');
  return argument;
}

type Value = boolean | undefined;

/** "on", "off"; undefined: it is none of a feature. */
function switchOf(property: string): readonly [name: string, value: Value] {
  const sign = property[0];
  if (sign === '+' || sign === '-') return [property.slice(1), sign === '+'];
  const [name = '', value = 'on'] = property.split('=', 2);
  if (['on', 'true', 'yes', 'y'].includes(value)) return [name, true];
  return [name, ['off', 'false', 'no', 'n'].includes(value) ? false : undefined];
}

/** Throws InputError for a model that isn't known. */
export function hostOfQemuCpu(called: string, argument: string): Host {
  const [name = '', ...properties] = argument.split(',');
  const place = { file: called };
  const odd = properties.find((property) => !/^[\x21-\x7e]*$/.test(property));
  if (odd !== undefined)
    throw new InputError('malformed', `${quote(odd)} is no property of QEMU's -cpu`, { place });
  if (OF_THE_HOST.has(name))
    throw new InputError(
      'malformed',
      `names no CPU: with "-cpu ${name}" a guest has what its host has`,
      {
        place,
        remedy: 'Give the host itself, or record the guest from within: "cpugate probe".',
      },
    );
  const model = virtualCpuModel(name);
  if (model === undefined)
    throw new InputError('unknown-model', `QEMU's CPU model ${quote(name)} is not known`, {
      place,
      remedy: suggest(name, virtualCpuNames(), 'Ask QEMU itself: query-cpu-model-expansion.'),
    });
  const present = new Set<FeatureName>([...model.features, 'hypervisor']);
  const others: string[] = [];
  let isEnforced = false;
  let vendor = model.vendor;
  // "-" and "+" come last, and "-" behind "+" (x86_cpu_parse_featurestr).
  const rank = (property: string) => 1 + ['+', '-'].indexOf(property[0] ?? '');
  for (const property of [...properties].sort((a, b) => rank(a) - rank(b))) {
    const [key, value] = switchOf(property);
    const feature = featureOfProperty(key);
    if (key === 'enforce') isEnforced = value === true;
    else if (key === 'vendor' && /^vendor=[A-Za-z ]{12}$/.test(property))
      vendor = property.slice(7);
    else if (feature === undefined) others.push(property.slice(0, 40));
    else if (value === undefined)
      throw new InputError('malformed', `${quote(property)} is neither on nor off`, { place });
    else if (value) present.add(feature);
    else present.delete(feature);
  }
  for (const one of SET_BY_GUEST) present.delete(one);
  // KVM shows no named model MONITOR (kvm_default_props), unless it is asked for.
  const tells = (one: FeatureName) =>
    (isUserVisible(one) && !SET_BY_GUEST.has(one)) || one === 'monitor';
  const rows = mergeRows([
    ...rowsFromFeatures(present, (row) => tells(row.name)),
    ...(vendor === undefined ? [] : [vendorRow(vendor)]),
    // Lines of 64 bytes, and addresses as wide as la57 says, whatever the host (cpu_x86_cpuid).
    partOfRow(1, 0, { ebx: (64 / 8) << 8 }, { ebx: fieldMask(15, 8) }),
    partOfRow(
      0x80000008,
      0,
      { eax: (present.has('la57') ? 57 : 48) << 8 },
      { eax: fieldMask(15, 8) },
    ),
  ]);
  return {
    name: called,
    format: 'qemu-cpu',
    kind: 'cpu',
    cpus: [{ logical: [0], leaves: leafTable(rows), xcr0: xcr0FromFeatures(present, tells) }],
    remarks: [
      `This is what a virtual machine with -cpu ${model.name} is to see, not the machine that it runs on. XCR0 is what Linux sets for these features; the XSAVE area isn't in it.`,
      ...(model.isPlain
        ? [
            `QEMU's machine types choose the version of ${name}; version 1, which those of today choose, is taken.`,
          ]
        : []),
      ...(isEnforced || properties.length === 0
        ? []
        : ['Without "enforce" a guest may see less: QEMU leaves out what KVM on its host lacks.']),
      ...(others.length === 0
        ? []
        : [
            `Passed over, as they are no features that are known here: ${others.slice(0, 8).join(' ')}.`,
          ]),
    ],
  };
}

function recognise({ head, bytes }: Input): boolean {
  if (bytes.length > LONGEST || head.includes('\0')) return false;
  const alone = ALONE.exec(head)?.[1];
  if (alone !== undefined) {
    const name = alone.split(',', 1)[0] ?? '';
    return virtualCpuModel(name) !== undefined || (OF_THE_HOST.has(name) && alone !== name);
  }
  return /(?:^|\s)-cpu\s{1,8}['"]?[A-Za-z0-9]/m.test(head);
}

export const qemuCpu: Format = {
  name: 'qemu-cpu',
  title: "QEMU's -cpu, alone or in a command line",
  recognise,
  read: (input) => hostOfQemuCpu(input.name, argumentOf(input)),
};
