/** A host for people. */
import { type FeatureClass, type FeatureName, featureRow } from '../../catalogue/index.js';
import { findMicroarchitecture } from '../../catalogue/microarchitectures.js';
import { type Capabilities, effectiveFeatures, isStateOfOs } from '../../model/capabilities.js';
import type { Host } from '../../model/host.js';
import { printable } from '../../model/printable.js';
import { megahertz } from '../../model/tsc-rate.js';
import { featureLabel } from '../feature-label.js';
import { showJson } from '../json.js';
import type { TextStyle } from './check.js';
import { columns } from './columns.js';
import { wrap, wrapWords } from './wrap.js';

const CLASS_TITLES: readonly (readonly [FeatureClass, string])[] = [
  ['isa', 'Instructions'],
  ['state', 'State'],
  ['kernel_user', 'Set up by the kernel'],
  ['hint', 'Hints'],
];

const KINDS: Readonly<Record<Host['kind'], string>> = {
  system: 'a host with its OS',
  cpu: 'a CPU without its OS; what Linux would enable is derived',
  model: 'a CPU model',
};

/** cpugate's own files: nobody can be asked for more. */
const SAYS_ALL: ReadonlySet<string> = new Set(['profile', 'baseline', 'localhost']);

function describeKind({ kind }: Host, seen: Capabilities): string {
  return kind === 'cpu' && isStateOfOs(seen)
    ? 'a CPU, and which state components were enabled'
    : KINDS[kind];
}

/** A level is no CPU: it has neither name nor number. */
function cpuLine(seen: Capabilities): string | undefined {
  const { signature, vendor, brand } = seen;
  if ((brand ?? vendor ?? signature) === undefined) return undefined;
  const parts = [brand ?? vendor ?? 'unnamed CPU'];
  if (signature !== undefined) {
    const { family, model, stepping } = signature;
    const design = findMicroarchitecture(vendor ?? '', family, model, stepping);
    const last = stepping === undefined ? '' : ` stepping ${stepping}`;
    parts.push(`family 0x${family.toString(16)} model 0x${model.toString(16)}${last}`);
    if (design !== undefined) parts.push(design.codename);
  }
  return parts.join(', ');
}

function facts(host: Host, seen: Capabilities, json: ReturnType<typeof showJson>): string[][] {
  const { system } = seen;
  const rows: (readonly [string, string | undefined])[] = [
    ['Source', `${host.format}: ${describeKind(host, seen)}`],
    ['CPU', cpuLine(seen)],
    ['Logical CPUs', host.kind === 'model' ? undefined : String(seen.logicalCpus)],
    [
      'Level',
      `${json.level ?? 'below x86-64-v1'}${json.levelMayBeHigher ? ', or higher (unknown)' : ''}`,
    ],
    ['Kernel', system.kernel],
    ['Microcode', system.microcode],
    [
      'glibc',
      system.glibc &&
        `${system.glibc.version}${system.glibc.isaLevel ? `, built for x86-64-v${system.glibc.isaLevel}` : ''}`,
    ],
    ['Virtualised', system.hypervisor === undefined ? undefined : system.hypervisor || 'no'],
    [
      'CPUID faulting',
      system.cpuidFaulting &&
        `${system.cpuidFaulting.works ? 'works' : 'no'}: ${system.cpuidFaulting.reason}`,
    ],
    ['Time stamp counter', seen.tscHz === undefined ? undefined : megahertz(seen.tscHz)],
    [
      'Signal frame',
      system.minSigStackBytes === undefined ? undefined : `${system.minSigStackBytes} bytes`,
    ],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)]]));
}

function featureLines(seen: Capabilities, { colors, width }: TextStyle): string[] {
  const features = effectiveFeatures(seen);
  return CLASS_TITLES.flatMap(([wanted, title]) => {
    const names = features.filter((name: FeatureName) => featureRow(name).class === wanted);
    if (names.length === 0) return [];
    return [
      '',
      colors.bold(`${title} (${names.length})`),
      wrapWords(names.map(featureLabel), width, '  '),
    ];
  });
}

function xsaveLines(
  { xsave }: ReturnType<typeof showJson>,
  { colors, width }: TextStyle,
): string[] {
  if (xsave.xcr0 === null) return ['', colors.bold('XSAVE'), '  unknown'];
  if (xsave.xcr0 === '0x0') return ['', colors.bold('XSAVE'), '  none'];
  const size = xsave.size === null ? 'size unknown' : `${xsave.size} bytes`;
  const linux =
    xsave.basis === 'derived' && xsave.linux.xcr0 !== xsave.xcr0
      ? `; Linux enables ${xsave.linux.xcr0}, ${xsave.linux.size ?? '?'} bytes`
      : '';
  const rows = xsave.components.map(({ bit, name, size: bytes, offset }) => [
    String(bit),
    name,
    bytes === null ? '?' : String(bytes),
    offset === null ? '?' : `@${offset}`,
  ]);
  return [
    '',
    `${colors.bold('XSAVE')} ${xsave.basis === 'read' ? 'XCR0' : 'supported'} ${xsave.xcr0}, ${size}${linux}`,
    columns(
      [['bit', 'component', 'size', 'offset'].map((head) => colors.dim(head)), ...rows],
      width,
    ),
  ];
}

/** Of a host with its OS, or a CPU: they can be asked again. A baseline or a model says all that it will. */
function askAgainLines(
  host: Host,
  { unknown, xsave }: ReturnType<typeof showJson>,
  { width }: TextStyle,
): string[] {
  const open = [
    ...(unknown.length === 0
      ? []
      : [unknown.length === 1 ? 'a feature' : `${unknown.length} features`]),
    ...(xsave.xcr0 === null ? ['what state is enabled'] : []),
    ...(xsave.size === null ? ['the size of the XSAVE area'] : []),
  ];
  if (open.length === 0 || host.kind === 'model' || SAYS_ALL.has(host.format)) return [];
  return [
    '',
    wrap(
      `Left open: ${open.join(', ')}. "cpugate probe" on the host records all of it. With nothing to install: ` +
        '"/lib64/ld-linux-x86-64.so.2 --list-diagnostics" there (glibc 2.33 and later), its output whole.',
      width,
      '',
    ),
  ];
}

/** `show` without --json. */
export function showText(host: Host, seen: Capabilities, style: TextStyle): string {
  const { colors, width } = style;
  const json = showJson(host, seen);
  const unknown =
    json.unknown.length === 0
      ? []
      : [
          '',
          colors.bold(`Unknown (${json.unknown.length})`),
          wrapWords(json.unknown.map(featureLabel), width, '  '),
        ];
  const odd =
    json.odd.length === 0
      ? []
      : [
          '',
          colors.bold('Oddities'),
          ...json.odd
            .map(printable)
            .map((line) => wrap(line, width - 2, '    ').replace('    ', '  - ')),
        ];
  return `${[
    colors.bold(printable(host.name)),
    columns(facts(host, seen, json), width),
    ...featureLines(seen, style),
    ...xsaveLines(json, style),
    ...unknown,
    ...askAgainLines(host, json, style),
    ...odd,
  ].join('\n')}\n`;
}
