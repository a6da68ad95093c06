/** What of the real CPU a program under a mask can learn by other means than CPUID, which no mask closes. Pure. */
import { VISIBLE } from '../baseline/host-kind.js';
import { componentName, type FeatureName, isFeatureName } from '../catalogue/index.js';
import type { Capabilities } from '../model/capabilities.js';
import { isUserVisible } from '../model/prerequisites.js';
import { bitsOf, NO_REGISTERS } from '../model/registers.js';
import { PRESENT } from '../model/xsave.js';
import { answerOf } from './apply.js';
import { auxvWords } from './auxv-words.js';
import type { Mask } from './mask.js';

export interface Leak {
  readonly code:
    | 'patched-code'
    | 'instructions'
    | 'xgetbv'
    | 'xsave-area'
    | 'proc-cpuinfo'
    | 'proc-auxv'
    | 'cpuid-device'
    | 'kvm';
  readonly what: string;
  readonly effect: string;
}

/** What of this machine a task can learn beside CPUID. */
export interface OtherRoads {
  /** /dev/cpu/N/cpuid can be read. */
  readonly cpuidDevice: boolean;
  readonly kvm: boolean;
  /** CPUID traps by patched code, not by CPUID faulting. */
  readonly patched: boolean;
}

interface Place {
  readonly mask: Mask;
  /** The baseline's. */
  readonly features: ReadonlySet<FeatureName>;
  /** The machine without a mask. */
  readonly here: Capabilities;
  readonly roads: OtherRoads;
}

/** Undefined: not on this machine. */
type Road = (place: Place) => Leak | undefined;

function list(names: readonly string[], most = 8): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}

const patchedCode: Road = ({ roads }) =>
  roads.patched
    ? {
        code: 'patched-code',
        what: 'Without CPUID faulting, CPUID is changed in the code of programs. That is for programs that mean no harm.',
        effect:
          'Code that one writes over code which it may execute already, code in shared memory, and 32-bit code ' +
          'see the real CPU, and a program finds its own code changed.',
      }
    : undefined;

const instructions: Road = ({ features, here }) => {
  const hidden = VISIBLE.filter((name) => here.effective(name) === PRESENT && !features.has(name));
  if (hidden.length === 0) return undefined;
  return {
    code: 'instructions',
    what: `The CPU executes what the mask hides: ${list(hidden)}.`,
    effect:
      'A program that uses an instruction without asking CPUID, or just tries it, can use it.',
  };
};

const xgetbv: Road = ({ mask, here }) => {
  const extra = bitsOf(here.xsave.enabled.value & ~mask.xcr0).map(componentName);
  if (extra.length === 0) return undefined;
  return {
    code: 'xgetbv',
    what: `XGETBV shows state that the mask hides: ${list(extra)}.`,
    effect:
      "It can't be trapped. Programs that also ask CPUID, as the manuals say, are not misled.",
  };
};

const xsaveArea: Road = ({ mask, here }) => {
  const shown = answerOf(mask, 0xd, 0, NO_REGISTERS).ebx;
  const { areaBytes } = here.xsave;
  if (areaBytes === undefined || areaBytes === shown) return undefined;
  return {
    code: 'xsave-area',
    what: `The XSAVE area of the CPU has ${areaBytes} bytes; the mask shows ${shown}.`,
    effect: 'Signal frames have the real size. Buffers sized by the mask are large enough.',
  };
};

const procCpuinfo: Road = ({ features, here }) => {
  const flags = (here.system.cpuinfoFlags ?? []).filter(
    (flag) => isFeatureName(flag) && isUserVisible(flag) && !features.has(flag),
  );
  if (flags.length === 0) return undefined;
  return {
    code: 'proc-cpuinfo',
    what: `/proc/cpuinfo lists what the mask hides: ${list(flags)}.`,
    effect: 'Programs that read it instead of asking CPUID see the real CPU.',
  };
};

const procAuxv: Road = ({ mask, here }) => {
  const names = auxvWords(mask, here.system)
    .filter(({ real, masked }) => real !== masked)
    .map(({ name }) => name);
  if (names.length === 0) return undefined;
  return {
    code: 'proc-auxv',
    what: `/proc/self/auxv has the kernel's own ${list(names)}.`,
    effect:
      "getauxval() and the dynamic loader read the program's stack, where the mask's words stand; programs that read the file see the real CPU.",
  };
};

const cpuidDevice: Road = ({ roads }) =>
  roads.cpuidDevice
    ? {
        code: 'cpuid-device',
        what: '/dev/cpu/*/cpuid can be read.',
        effect: 'It answers with the real CPU; keep it out of containers.',
      }
    : undefined;

const kvm: Road = ({ roads }) =>
  roads.kvm
    ? {
        code: 'kvm',
        what: '/dev/kvm can be opened.',
        effect:
          'Its ioctls show the real CPU; tasks that run virtual machines cannot be moved this way.',
      }
    : undefined;

const ROADS: readonly Road[] = [
  ...[patchedCode, instructions, xgetbv, xsaveArea, procCpuinfo, procAuxv],
  ...[cpuidDevice, kvm],
];

export function findLeaks(place: Place): Leak[] {
  return ROADS.flatMap((road) => road(place) ?? []);
}
