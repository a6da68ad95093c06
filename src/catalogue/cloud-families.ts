/**
 * Families of virtual machines in clouds, and the CPUs that their provider's documents name for them. Most mix
 * generations: which one a machine gets is seen when it runs. A profile is the most that such a machine shows: a
 * hypervisor takes features away (MPX, AMX, protection keys at times), and documents don't say which.
 *
 * Sources, by provider: Amazon EC2 user guide, "instance types" (2022); Microsoft Learn, Azure virtual machine
 * sizes, "Host specifications" of each series (January to March 2026); Google Cloud, "Specify a minimum CPU
 * platform" (2026). Families of which no document at hand names the CPU aren't here.
 */
export interface CloudFamily {
  /** "aws:m5". */
  readonly name: string;
  /** Names of profiles in cpu-profiles/, oldest first. */
  readonly profiles: readonly string[];
  /** When the provider's document said so. */
  readonly asOf: string;
}

type Row = readonly [families: readonly string[], profiles: readonly string[]];

const CLOUDS: Readonly<Record<string, { readonly asOf: string; readonly rows: readonly Row[] }>> = {
  aws: {
    asOf: '2022',
    rows: [
      [['m4', 't2'], ['haswell', 'broadwell']],
      [['m5', 'm5d', 't3', 'r5', 'r5d', 'i3en', 'c5'], ['skylake-sp', 'cascadelake']],
      [['m5n', 'r5n', 'r5b', 'd3', 'm5zn'], ['cascadelake']],
      [['z1d'], ['skylake-sp']],
      [['m5a', 'r5a', 't3a'], ['epyc-naples']],
      [['m6a'], ['epyc-milan']],
      [['m6i', 'r6i', 'c6i', 'i4i'], ['icelake-sp']],
      [['i3', 'h1', 'r4'], ['broadwell']],
      [['x1'], ['haswell']],
    ],
  },
  azure: {
    asOf: '2026-03',
    rows: [
      [['Dv3', 'Dsv3'], ['haswell', 'broadwell', 'skylake-sp', 'cascadelake', 'icelake-sp', 'emeraldrapids']],
      [['Dv4', 'Dsv4'], ['cascadelake', 'icelake-sp', 'sapphirerapids', 'emeraldrapids']],
      [['Ddv4'], ['cascadelake', 'icelake-sp', 'emeraldrapids']],
      [['Dv5', 'Ev5'], ['icelake-sp', 'sapphirerapids', 'emeraldrapids']],
      [['Dav4'], ['epyc-rome', 'epyc-milan']],
      [['Dasv5'], ['epyc-milan', 'epyc-genoa']],
      [['Dasv6'], ['epyc-genoa']],
      [['Dsv6', 'Dldsv6'], ['emeraldrapids']],
      [['Dsv7'], ['graniterapids']],
    ],
  },
  gcp: {
    asOf: '2026',
    rows: [
      [['n2'], ['cascadelake', 'icelake-sp']],
      [['c4'], ['emeraldrapids', 'graniterapids']],
    ],
  },
};

const FAMILIES: readonly CloudFamily[] = Object.entries(CLOUDS).flatMap(([cloud, { asOf, rows }]) =>
  rows.flatMap(([families, profiles]) =>
    families.map((family) => ({ name: `${cloud}:${family}`, profiles, asOf: asOf })),
  ),
);

const BY_NAME: ReadonlyMap<string, CloudFamily> = new Map(
  FAMILIES.map((family) => [family.name.toLowerCase(), family]),
);

/** A machine's own type: "m5.large", "n2-standard-8", "Standard_D4s_v5" (the node label instance-type). */
function familyOf(cloud: string, type: string): string {
  if (cloud === 'aws') return type.split('.', 1)[0] as string;
  if (cloud === 'gcp') return type.split('-', 1)[0] as string;
  const [, letters, suffix, version] = /^Standard_([A-Z]+)\d+([a-z]*)_v(\d)$/i.exec(type) ?? [];
  return version === undefined ? type : `${letters}${suffix}v${version}`;
}

/** Whether a provider stands before the name, known or not. */
export function isCloudName(name: string): boolean {
  return /^(?:aws|azure|gcp):[\w.-]{1,60}$/i.test(name);
}

/** By family or type of machine, without regard to case. */
export function findCloudFamily(name: string): CloudFamily | undefined {
  const [cloud = '', type = ''] = name.split(':', 2);
  return BY_NAME.get(`${cloud}:${familyOf(cloud.toLowerCase(), type)}`.toLowerCase());
}

export function cloudFamilyNames(): readonly string[] {
  return FAMILIES.map(({ name }) => name);
}
