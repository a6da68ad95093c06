/**
 * What each finding means, for "cpugate explain CODE": when it is made, what follows for tasks, how
 * severe it can be in mode portable, and what to do. docs/checking.md has the same codes and
 * severities; tests hold both against the rules.
 */
import type { FeatureName } from '../catalogue/index.js';
import { FINDING_CODES, type FindingCode, SEVERITIES, type Severity } from './finding.js';
import type { Mode } from './mode-names.js';
import { applyMode } from './modes.js';

export interface Explanation {
  /** When it is found; a clause without a full stop. */
  readonly when: string;
  readonly meaning: string;
  /** All that it can have in mode portable, the worst first. */
  readonly severities: readonly Severity[];
  /** Which of them where, if there are several. */
  readonly where?: string;
  readonly advice: string;
  /** What has to be read to find it; default: two hosts. */
  readonly from?: 'images' | 'criu';
}

const NOTHING = 'Nothing needs to be done.';
const BASELINE =
  'Start tasks under a baseline of both hosts: "cpugate baseline FROM TO -o both.json", then "cpugate ' +
  'run --mask both.json -- COMMAND". Tasks that run already stay on hosts like their own.';
const RECORD = 'Record both hosts with "cpugate probe -o FILE", which leaves nothing out.';

export const EXPLANATIONS = {
  'criu-refuses': {
    when: '"criu cpuinfo check" would refuse the image',
    meaning:
      "CRIU's answer, with the reason that it gives. cpugate's own verdict stands beside it and may differ: " +
      'CRIU refuses some moves that are safe.',
    severities: ['blocker'],
    advice: 'Read the other findings. Where there is none, another --cpu-cap lets CRIU restore.',
    from: 'criu',
  },
  'criu-unknown': {
    when: 'what CRIU compares is unknown',
    meaning: 'CRIU would decide by bits that one of the sources leaves out.',
    severities: ['unknown'],
    advice: RECORD,
    from: 'criu',
  },
  'criu-accepts': {
    when: '"criu cpuinfo check" would accept the image',
    meaning:
      "CRIU's answer. It doesn't look at vendors or at the places of state, and not at every instruction: " +
      'the other findings say what it passes over.',
    severities: ['info'],
    advice: "Go by cpugate's own verdict, which stands beside it.",
    from: 'criu',
  },
  'source-unknown': {
    when: 'neither cpugate-record.json nor cpuinfo.img tells which CPU the dumped tasks have seen',
    meaning:
      'What tasks have asked and kept is in no image, so nothing else can be compared, and the answer is not yes.',
    severities: ['unknown'],
    advice: 'Dump with "cpugate dump", or at least with criu --cpu-cap=cpu.',
    from: 'images',
  },
  'criu-too-old': {
    when: "the target's XSAVE area is larger than CRIU's buffer: 4096 bytes before 3.19, then 16384",
    meaning: 'CRIU fails where it reads or writes the registers of a thread.',
    severities: ['blocker', 'risk'],
    where: 'risk where --criu VERSION does not say which CRIU will restore',
    advice: 'Take CRIU 3.19 or newer, and name it with --criu.',
    from: 'images',
  },
  'state-in-use': {
    when: "a dumped thread holds something in a state component that the target's OS doesn't enable",
    meaning: 'The task uses it now. CRIU would drop the content without an error.',
    severities: ['blocker', 'unknown'],
    where: 'unknown where it is unknown whether the target enables the component',
    advice:
      'These tasks stay on hosts that have the state. Others can start under a mask that hides it.',
    from: 'images',
  },
  'state-not-dumped': {
    when: 'XSTATE_BV of a dumped thread names state of which the images have no content (AMX, APX)',
    meaning: 'CRIU has not saved it: it would be empty after the restore, on any host.',
    severities: ['blocker'],
    advice:
      'These tasks cannot be moved by CRIU. Others can start under a mask that hides the state.',
    from: 'images',
  },
  'mask-bypassed': {
    when: 'a dumped thread holds state that its mask hides',
    meaning:
      'It used instructions without asking CPUID, or asked XGETBV, which nothing can mask. The tasks are ' +
      'taken as if they had run without a mask.',
    severities: ['risk'],
    advice: 'Find the program that does so, and keep it on hosts like its own.',
    from: 'images',
  },
  'instruction-missing': {
    when: 'the source has instructions, XSAVE variants among them, that the target lacks',
    meaning:
      'A task that chose them at its start, by itself or in a library, fails with SIGILL. TZCNT, LZCNT and MPX ' +
      'give wrong results instead, without an error.',
    severities: ['blocker', 'risk', 'info'],
    where: 'risk or info for a few features: "cpugate explain FEATURE" says for which',
    advice: BASELINE,
  },
  'state-missing': {
    when: "a state component in the source's XCR0 is off at the target",
    meaning: "Saved registers can't be loaded, or are dropped without an error.",
    severities: ['blocker'],
    advice: BASELINE,
  },
  'xsave-area-grows': {
    when: "the target's enabled XSAVE area (standard format) is larger than the source's",
    meaning:
      'Programs that asked for the size at their start have buffers that are too small at the target: the CPU ' +
      'writes beyond them. glibc without XSAVEC does so whenever it binds a function lazily.',
    severities: ['blocker', 'unknown', 'risk'],
    where:
      'blocker where the source has no XSAVEC, unknown where that is unknown, else risk; of a folder of ' +
      "images, by what glibc in the tasks' memory keeps",
    advice:
      "Start tasks under a baseline of both hosts, which shows the larger size from the start, or keep the target's " +
      'area small: a VM with the CPU model of the source, or clearcpuid= at boot.',
  },
  'kernel-feature-missing': {
    when: 'something that the kernel sets up for tasks is gone at the target',
    meaning: 'What follows differs from feature to feature: "cpugate explain FEATURE" says it.',
    severities: ['blocker', 'risk', 'info'],
    where: 'by the feature',
    advice: BASELINE,
  },
  'state-layout': {
    when: 'a state component of both has another size, offset or alignment',
    meaning:
      'The kernel and CRIU convert what they save. Signal frames of running handlers, and XSAVE images that ' +
      "programs made, lie in the tasks' memory and are read wrongly.",
    severities: ['risk'],
    advice: BASELINE,
  },
  'signal-frame-layout': {
    when: 'a signal handler is running in a dumped task, and the target would read its frame wrongly',
    meaning:
      'When the handler returns, the kernel drops vector state or loads it from wrong places, without an error.',
    severities: ['blocker', 'unknown'],
    where: 'unknown where it is unknown whether a handler runs, and it would matter',
    advice: 'Dump again when no handler runs: a moment later is enough as a rule.',
    from: 'images',
  },
  'signal-frame-grows': {
    when: 'AT_MINSIGSTKSZ is larger at the target, and larger than 2048',
    meaning:
      'A task whose alternate signal stack was sized by the old value gets SIGSEGV at its next signal.',
    severities: ['risk'],
    advice:
      'Start tasks under a baseline of both hosts, which shows the larger size from the start.',
  },
  'permission-lost': {
    when: 'dumped tasks may have asked Linux for AMX',
    meaning: "CRIU doesn't restore the permission: the next tile instruction gives SIGILL.",
    severities: ['risk'],
    advice: 'Start tasks that shall move under a mask without AMX.',
    from: 'images',
  },
  'unnamed-feature-missing': {
    when: 'a bit of a feature register that has no name is set at the source and not at the target',
    meaning:
      'New CPUs have bits that no manual or project has described yet. Such a bit may stand for instructions.',
    severities: ['unknown'],
    advice:
      'Start tasks under a baseline, which hides bits without a name; or find out what the bit means.',
  },
  'data-missing': {
    when: 'something that could be a blocker or a risk is unknown',
    meaning: 'Missing data never becomes a yes: the verdict is unknown at best.',
    severities: ['unknown'],
    advice: RECORD,
  },
  'cpus-differ': {
    when: 'logical CPUs of one host disagree in something that a task can see',
    meaning:
      'The host counts with what all of its CPUs have. A task that asked the better CPU has seen more.',
    severities: ['risk'],
    advice:
      'Bring the CPUs to one firmware and microcode, or start tasks under a baseline of the host.',
  },
  'vendor-differs': {
    when: 'the hosts have CPUs of two vendors',
    meaning:
      'Approximate results (RCPPS, RSQRTPS, x87 transcendentals) differ in their last bits, and code that was ' +
      'chosen by vendor stays chosen.',
    severities: ['risk', 'info'],
    where: 'info between AMD and Hygon, which share one design',
    advice: 'Move between vendors only tasks that tolerate it; nothing hides the vendor.',
  },
  'cache-line-differs': {
    when: 'CLFLUSH works on lines of another size',
    meaning: 'Code that flushes or zeroes memory by the size that it asked once leaves gaps.',
    severities: ['risk'],
    advice: 'Keep such programs on hosts with one line size.',
  },
  'address-width': {
    when: 'the target has narrower linear or physical addresses',
    meaning:
      "Mappings above 2^47, which a task gets only by asking for them, can't be made again. Tasks never see " +
      'physical addresses.',
    severities: ['risk', 'info'],
    where: 'risk for linear addresses, info for physical ones',
    advice: 'Boot the hosts with the wider addresses with no5lvl.',
  },
  'hint-missing': {
    when: 'the target lacks a hint, such as ERMS or FSRM',
    meaning: 'No instruction appears or disappears with it: only speed or detail changes.',
    severities: ['info'],
    advice: NOTHING,
  },
  'identity-differs': {
    when: 'the CPUs have another family, model, stepping or name',
    meaning: 'A task may have read it, and nothing follows from it.',
    severities: ['info'],
    advice: NOTHING,
  },
  'state-not-enabled': {
    when: 'the dump of a CPU offers state that Linux leaves off',
    meaning: 'It counts as absent: no task under Linux has it.',
    severities: ['info'],
    advice: NOTHING,
  },
  'xsave-area-shrinks': {
    when: "the target's XSAVE area is smaller than the source's",
    meaning: 'Buffers that were sized at the source are large enough.',
    severities: ['info'],
    advice: NOTHING,
  },
  'state-added': {
    when: 'only the target enables a state component',
    meaning: 'Restored tasks start with it empty. Tasks that start there may use it.',
    severities: ['info'],
    advice: 'For tasks that start at the target and shall move back: a baseline of both hosts.',
  },
  'feature-added': {
    when: 'only the target has a feature',
    meaning:
      "Tasks that run already don't ask again. One that starts at the target and uses it can't move back.",
    severities: ['info'],
    advice: 'For tasks that start at the target and shall move back: a baseline of both hosts.',
  },
} as const satisfies Record<FindingCode, Explanation>;

export function isFindingCode(text: string): text is FindingCode {
  return (FINDING_CODES as readonly string[]).includes(text);
}

export function explanationOf(code: FindingCode): Explanation {
  return EXPLANATIONS[code];
}

/** What modes tell apart: an instruction, other features, the XSAVE area, none of them. */
const SUBJECTS: readonly { readonly feature?: FeatureName; readonly component?: string }[] = [
  { feature: 'avx2' },
  { feature: 'fsgsbase' },
  { component: 'xsave' },
  {},
];

/** All that a finding can have in a mode, the worst first. */
export function severitiesIn(mode: Mode, code: FindingCode): readonly Severity[] {
  const possible = new Set(
    explanationOf(code).severities.flatMap((severity) =>
      SUBJECTS.map((about) => {
        const finding = { code, severity, effect: '', remedy: 'none', ...about } as const;
        return applyMode(mode, finding).severity;
      }),
    ),
  );
  return SEVERITIES.filter((severity) => possible.has(severity));
}
