import type { ImageProcess } from '../model/image-folder.js';
import { acceptanceText, acceptedBy } from './accepted.js';
import type { Context } from './context.js';
import type { Found, Severity } from './finding.js';
import { nameProcess } from './processes.js';
import { rule } from './rule.js';

/**
 * - physical: tasks never see them.
 * - asked: linear ones, and some task may have asked for those that only the source has.
 * - mapped: linear ones, and the images of a task have a mapping that the target can't make.
 * - unmapped: linear ones, and the images have none.
 * - masked: linear ones, and tasks saw a mask without la57.
 */
type Kind = 'physical' | 'asked' | 'mapped' | 'unmapped' | 'masked';

type Facts = {
  readonly kind: Kind;
  /** Null: the source doesn't tell. */
  readonly before: number | null;
  readonly after: number;
  /** Whose mapping ends highest, and where. */
  readonly highest: readonly [process: string, end: string] | null;
  readonly acceptedIn: string | null;
};

/** What every CPU in long mode has, and all that tasks know of without la57. */
const WITHOUT_LA57 = 48;

/** Half of the addresses are the kernel's (Linux asm/page_64_types.h, __VIRTUAL_MASK_SHIFT). */
function endOfTasks(bits: number): bigint {
  return 1n << BigInt(bits - 1);
}

/** The process whose mappings end highest, and whether all tell. */
function highestOf(alive: readonly ImageProcess[]) {
  let highest: { readonly process: ImageProcess; readonly end: bigint } | undefined;
  let isComplete = true;
  for (const process of alive) {
    const { highestAddress } = process;
    if (!highestAddress.known) isComplete = false;
    else if (highest === undefined || highestAddress.value > highest.end)
      highest = { process, end: highestAddress.value };
  }
  return { highest, isComplete };
}

function linear(context: Context): Found<Facts>[] {
  const { from, to, mask, images } = context;
  const [before, after] = [from.linearAddressBits, to.linearAddressBits];
  if (after === undefined) return [];
  const found = (severity: Severity, kind: Kind, more: Partial<Facts> = {}): Found<Facts>[] => [
    {
      severity,
      facts: { kind, before: before ?? null, after, highest: null, acceptedIn: null, ...more },
    },
  ];
  const { highest, isComplete } = highestOf(images?.alive ?? []);
  if (highest !== undefined && highest.end > endOfTasks(after))
    return found('blocker', 'mapped', {
      highest: [nameProcess(highest.process), `0x${highest.end.toString(16)}`],
    });
  if (before === undefined || after >= before) return [];
  if (images !== undefined && isComplete) return found('info', 'unmapped');
  if (mask !== undefined && !mask.features.includes('la57') && after >= WITHOUT_LA57)
    return found('info', 'masked');
  const acceptedIn = acceptedBy(context, 'linearAddressBits', before, after);
  return found(acceptedIn === null ? 'risk' : 'info', 'asked', { acceptedIn });
}

function physical({ from, to }: Context): Found<Facts>[] {
  const [before, after] = [from.physicalAddressBits, to.physicalAddressBits];
  if (before === undefined || after === undefined || after >= before) return [];
  const facts = { kind: 'physical', before, after, highest: null, acceptedIn: null } as const;
  return [{ severity: 'info', facts }];
}

function consequence({ kind, after, acceptedIn }: Facts): string {
  switch (kind) {
    case 'physical':
      return '; tasks never see them.';
    case 'unmapped':
      return (
        `. No dumped task has a mapping above 2^${after - 1}; one that asks for such an address from now on ` +
        'is given a lower one.'
      );
    case 'masked':
      return `. Under the mask tasks see no la57; without it none asks for addresses above 2^${after - 1}.`;
    default:
      return (
        `: a task that asked for mappings above 2^${after - 1} loses them.` +
        (acceptedIn === null ? '' : acceptanceText(acceptedIn))
      );
  }
}

/**
 * Linear addresses are narrower: mappings above 2^47 can't be made again. A task gets them only by asking
 * for such an address, which the kernel takes for a hint: where it has none, it gives a lower one, and no
 * error, unless the task insists on the place (MAP_FIXED). So images in which nothing lies there leave no
 * risk that the source itself didn't have. Physical width is the kernel's affair.
 * Source: Linux Documentation/arch/x86/x86_64/5level-paging.rst; CPUID 0x80000008 EAX.
 */
export const addressWidth = rule({
  code: 'address-width',
  reads: ['numbers', 'images'],
  find: (context) => [...linear(context), ...physical(context)],
  sentence: ({ facts }, { from, to }) => {
    const { kind, before, after, highest } = facts;
    if (kind === 'mapped' && highest !== null)
      return (
        `${highest[0]} has a mapping that ends at ${highest[1]}, and tasks on ${to} have addresses below ` +
        `2^${after - 1} only: it can't be made again.`
      );
    const which = kind === 'physical' ? 'Physical' : 'Linear';
    return `${which} addresses have ${before} bits on ${from} and ${after} on ${to}${consequence(facts)}`;
  },
  remedy: ({ severity }) => (severity === 'info' ? 'none' : 'boot'),
  modes: {
    strict: 'blocker',
    // A mapping that can't be made stops the restore, whatever programs use.
    instructions: ({ severity }) => (severity === 'blocker' ? 'blocker' : 'info'),
  },
  severities: ['blocker', 'risk', 'info'],
  where:
    'risk for linear addresses; blocker where the images of a task have a mapping there, info where they ' +
    "have none, under a mask without la57, between hosts of the tasks' baseline, and for physical ones",
  when: 'the target has narrower linear or physical addresses',
  meaning:
    "Mappings above 2^47, which a task gets only by asking for them, can't be made again. Tasks never see " +
    'physical addresses.',
  advice:
    'Boot the hosts with the wider addresses with the kernel option no5lvl. Tasks that never ask for addresses ' +
    'above 2^47 are safe without it; those that have such mappings stay where the addresses are.',
});
