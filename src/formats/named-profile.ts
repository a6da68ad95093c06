/**
 * A named profile: a CPU model or a level of x86-64 that people name instead of a file. It lists
 * what tasks can count on under Linux; every other feature that tasks can see is known to be
 * absent, and what only the kernel sees is unknown.
 *
 * The files are written by hand, so the reader holds them to what describeHost would make of them:
 * a listed feature that couldn't take effect is an error here, not a silent loss later.
 */
import { type FeatureName, featureRow, findFeature } from '../catalogue/index.js';
import validate from '../generated/cpu-profile.js';
import { PROFILE_BY_PLAIN, PROFILE_INDEX } from '../generated/profile-index.js';
import {
  encodeSignature,
  mergeRows,
  partialRow,
  rowsFromFeatures,
  vendorRow,
} from '../model/from-features.js';
import type { Host } from '../model/host.js';
import { type LeafRow, leafTable } from '../model/leaves.js';
import { countingPrerequisites, isUserVisible, USER_VISIBLE } from '../model/prerequisites.js';
import { ALL_KNOWN_64, fieldMask, NO_REGISTERS } from '../model/registers.js';
import { type Format, type Input, malformed } from './format.js';
import { checkXsave, maskOf, type ProfileXsave, xsaveRows } from './named-profile-xsave.js';
import { plainModel } from './plain-model.js';
import { profileOfProcessor } from './processor-name.js';
import { schemaError } from './schema-errors.js';

/** The file, as schemas/cpu-profile.schema.json describes it. */
interface NamedProfile {
  readonly name: string;
  readonly onlyFeatures?: boolean;
  readonly vendor?: string;
  readonly family?: number;
  readonly model?: number;
  readonly stepping?: number;
  readonly cacheLineBytes?: number;
  readonly linearAddressBits?: number;
  readonly features: readonly string[];
  readonly fields?: Readonly<Record<string, number>>;
  readonly xsave?: ProfileXsave;
  readonly notes?: readonly string[];
  readonly exceptions?: readonly { readonly feature: string; readonly why: string }[];
}

const SPELLING_REMEDY =
  'Features are named as in /proc/cpuinfo; the spellings of QEMU, libvirt and gcc are understood too.';

function validated(input: Input): NamedProfile {
  const value = input.json();
  if (value === undefined) throw malformed(input, `is not valid JSON: ${input.jsonError()}`);
  if (!validate(value)) throw schemaError(input, validate.errors, 'cpu-profile');
  return value as NamedProfile;
}

function readFeatureName(input: Input, spelling: string, at: string): FeatureName {
  const name = findFeature(spelling);
  if (name === undefined)
    throw malformed(input, `unknown feature "${spelling}"`, { at }, SPELLING_REMEDY);
  if (!isUserVisible(name))
    throw malformed(
      input,
      `${name} is not visible to tasks (class ${featureRow(name).class})`,
      { at },
      'A profile lists what tasks can use; leave it out.',
    );
  return name;
}

function readFeatures(input: Input, profile: NamedProfile): ReadonlySet<FeatureName> {
  return new Set(
    profile.features.map((spelling, place) =>
      readFeatureName(input, spelling, `/features/${place}`),
    ),
  );
}

/** A feature without what it needs would have no effect, and nobody would notice. */
function checkPrerequisites(input: Input, listed: ReadonlySet<FeatureName>): void {
  for (const name of listed)
    for (const needed of countingPrerequisites(name))
      if (!listed.has(needed))
        throw malformed(
          input,
          `${name} is listed without ${needed}, which it needs`,
          { at: '/features' },
          `Add ${needed}, or leave ${name} out.`,
        );
}

function readFields(
  input: Input,
  profile: NamedProfile,
  listed: ReadonlySet<FeatureName>,
): ReadonlyMap<FeatureName, number> {
  return new Map(
    Object.entries(profile.fields ?? {}).map(([spelling, number]) => {
      const at = `/fields/${spelling}`;
      const name = readFeatureName(input, spelling, at);
      if (typeof featureRow(name).bit === 'number')
        throw malformed(input, `${name} is a bit, not a number`, { at });
      if (!listed.has(name)) throw malformed(input, `${name} isn't among the features`, { at });
      return [name, number];
    }),
  );
}

/** With the vendor go family, model and stepping. */
const OF_A_CPU = ['vendor', 'cacheLineBytes', 'linearAddressBits'] as const;

/** What a set of features says of a CPU would be passed over. */
function checkOnlyFeatures(input: Input, profile: NamedProfile): void {
  if (profile.onlyFeatures !== true) return;
  const said = OF_A_CPU.find((name) => profile[name] !== undefined);
  if (said !== undefined)
    throw malformed(
      input,
      `${said} is that of a CPU, and onlyFeatures says that this is none`,
      { at: `/${said}` },
      'Leave one of the two out.',
    );
}

/** Vendor, signature and the few numbers that tasks cache. */
function identityRows(profile: NamedProfile): LeafRow[] {
  const rows: LeafRow[] = [];
  const { vendor, family, model, stepping, cacheLineBytes, linearAddressBits } = profile;
  if (vendor !== undefined) rows.push(vendorRow(vendor));
  if (family !== undefined && model !== undefined && stepping !== undefined)
    rows.push(partialRow(1, { eax: encodeSignature({ family, model, stepping }) }));
  if (cacheLineBytes !== undefined)
    rows.push({
      ...NO_REGISTERS,
      leaf: 1,
      subleaf: 0,
      ebx: (cacheLineBytes / 8) * 256,
      known: { ...NO_REGISTERS, ebx: fieldMask(15, 8) },
    });
  if (linearAddressBits !== undefined)
    rows.push({
      ...NO_REGISTERS,
      leaf: 0x80000008,
      subleaf: 0,
      eax: linearAddressBits * 256,
      known: { ...NO_REGISTERS, eax: fieldMask(15, 8) },
    });
  return rows;
}

function readProfile(input: Input): Host {
  const profile = validated(input);
  checkOnlyFeatures(input, profile);
  const listed = readFeatures(input, profile);
  checkPrerequisites(input, listed);
  const fields = readFields(input, profile, listed);
  checkXsave(input, profile.xsave, listed);
  const rows = mergeRows([
    ...rowsFromFeatures(listed, (row) => USER_VISIBLE.has(row.class), fields),
    ...identityRows(profile),
    ...(profile.xsave === undefined ? [] : xsaveRows(profile.xsave)),
  ]);
  const xcr0 = profile.xsave === undefined ? 0n : maskOf(profile.xsave.components);
  return {
    name: profile.name,
    format: 'named profile',
    kind: 'model',
    cpus: [{ logical: [0], leaves: leafTable(rows), xcr0: { value: xcr0, known: ALL_KNOWN_64 } }],
    ...(profile.onlyFeatures === true ? { onlyFeatures: true } : {}),
    remarks: [
      ...(profile.notes ?? []),
      ...(profile.exceptions ?? []).map(({ feature, why }) => `${feature}: ${why}`),
    ],
  };
}

export const namedProfile: Format = {
  name: 'named-profile',
  title: 'named CPU profile of cpugate',
  recognise: (input) => /"kind"\s{0,20}:\s{0,20}"cpugate-cpu-profile"/.test(input.head),
  read: readProfile,
};

/** Names of the profiles that come with the program, sorted. */
export function profileNames(): readonly string[] {
  return Object.keys(PROFILE_INDEX);
}

/** Names and aliases, each with the profile that it means. */
export function profileSpellings(): [spelling: string, name: string][] {
  return Object.entries(PROFILE_INDEX).flatMap(([name, { aliases }]) =>
    [name, ...aliases].map((alias): [string, string] => [alias, name]),
  );
}

/** The profile that a name, an alias or a processor's number means; case, "-", "_", "." and spaces don't count. */
export function findProfileName(spelling: string): string | undefined {
  const plain = plainModel(spelling);
  return Object.hasOwn(PROFILE_BY_PLAIN, plain)
    ? PROFILE_BY_PLAIN[plain]
    : profileOfProcessor(spelling);
}
