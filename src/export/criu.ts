/**
 * A cpuinfo.img that stands for the baseline instead of the host that tasks were dumped on. CRIU
 * compares it with the host that it restores on: what tasks may have used under the baseline is there,
 * and what their first host had beyond it doesn't count.
 *
 * CRIU wants the XSAVE sizes of image and host to be the same, and takes from the host what an image
 * doesn't hold (criu/arch/x86/cpu.c): so they stand in the image only where all hosts have the same.
 * The vendor must be one that CRIU knows, and is compared with nothing; nor are family and model.
 */

import type { Baseline } from '../baseline/baseline.js';
import { countHosts, hardwareGroups } from '../baseline/cluster.js';
import { countVendors } from '../baseline/stored.js';
import { componentMask } from '../catalogue/index.js';
import { CRIU_COMPONENTS, CRIU_VENDORS } from '../criu/probe.js';
import { CRIU_WORDS, criuFeatures, LINUX_FLAGS, LINUX_WORD } from '../criu/words.js';
import { hostOfBaseline } from '../formats/baseline.js';
import { encodeCriuImage } from '../formats/criu-image-write.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import type { LeafTable } from '../model/leaves.js';
import { readRegister } from '../model/leaves.js';
import { bitMask, bitsOf, or } from '../model/registers.js';
import { condition, notExpressed, type Remark } from './remark.js';
import type { Exported, Target } from './target.js';

/** NOPL and CPUID are what CRIU finds on every CPU. Whether REP MOVS is fast is no ability. */
const ALWAYS = or(bitMask(LINUX_FLAGS.nopl), bitMask(LINUX_FLAGS.cpuid));

function wordsOf(leaves: LeafTable): number[] {
  return CRIU_WORDS.map((source, word) => {
    if (word === LINUX_WORD) return ALWAYS;
    if (source === undefined) return 0;
    return readRegister(leaves, source.leaf, source.subleaf, source.reg).value;
  });
}

/** CRIU's mask leaves out two components on every host. */
function maskOfXcr0(xcr0: bigint): bigint {
  return componentMask(bitsOf(xcr0).filter((bit) => CRIU_COMPONENTS.has(bit)));
}

/** A size that all hosts have; undefined where they don't, or don't tell. */
function common(baseline: Baseline, key: 'areaBytes' | 'offeredBytes'): number | undefined {
  const sizes = new Set(hardwareGroups(baseline.cluster).map(({ kind }) => kind[key]));
  const [size] = sizes;
  return sizes.size === 1 ? size : undefined;
}

function vendorOf(baseline: Baseline): CriuCpuinfo['vendor'] {
  for (const { vendor } of countVendors(baseline)) {
    const known = CRIU_VENDORS.get(vendor ?? '');
    if (known !== undefined) return known;
  }
  return 'intel';
}

function recordOf(baseline: Baseline): CriuCpuinfo {
  const [cpu] = hostOfBaseline('baseline', baseline).cpus;
  if (cpu === undefined) throw new Error('a host without a CPU');
  const count = countHosts(baseline.cluster);
  return {
    vendor: vendorOf(baseline),
    family: 0,
    model: 0,
    stepping: 0,
    capabilityVersion: 2,
    words: wordsOf(cpu.leaves),
    modelId: `baseline of ${count} host${count === 1 ? '' : 's'}`,
    xfeaturesMask: maskOfXcr0(baseline.xcr0),
    xsaveSize: common(baseline, 'areaBytes'),
    xsaveSizeMax: common(baseline, 'offeredBytes'),
  };
}

function remarksOf(baseline: Baseline, { xsaveSize, xsaveSizeMax }: CriuCpuinfo): Remark[] {
  const remarks: Remark[] = [];
  const wordless = baseline.features.filter((name) => !criuFeatures().has(name));
  if (wordless.length > 0)
    remarks.push(
      notExpressed(`CRIU has no place for ${wordless.join(', ')}: that is not checked.`),
    );
  if (xsaveSize === undefined || xsaveSizeMax === undefined)
    remarks.push(
      notExpressed(
        'The size of the XSAVE area is left out, so CRIU does not check it: CRIU asks for equal sizes, and those of the hosts differ or are unknown. "cpugate baseline --add" checks it for hosts that join.',
      ),
    );
  remarks.push(
    condition(
      'Check with --cpu-cap=fpu,ins: --cpu-cap=cpu and all accept only the very host that the image is of.',
    ),
  );
  const strangers = baseline.vendors.filter((vendor) => !CRIU_VENDORS.has(vendor));
  if (strangers.length > 0)
    remarks.push(condition(`CRIU restores nothing on CPUs of ${strangers.join(', ')}.`));
  return remarks;
}

function write(baseline: Baseline): Exported {
  const record = recordOf(baseline);
  return { content: encodeCriuImage(record), remarks: remarksOf(baseline, record) };
}

export const criu: Target = { name: 'criu', file: 'cpuinfo.img', write };
