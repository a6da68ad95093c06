import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VERDICTS } from '../../src/judge/verdict.js';
import type { ImageFolder, ImageProcess, LazyBinding, Told } from '../../src/model/image-folder.js';
import { compareHosts, gate } from '../judge/between.js';
import { hostOf, names } from '../profiles/load.js';

const untold = { known: false, reason: 'nobody looked' } as const;
const hosts = names.map(hostOf);

const bits = fc.bigInt({ min: 0n, max: 0xfffffn }).map((mask) => mask & ~(1n << 8n));

const binding = fc.oneof(
  fc.constant<Told<LazyBinding>>(untold),
  fc.constant<Told<LazyBinding>>({ known: true, value: { kind: 'none' } }),
  fc
    .record({
      instruction: fc.constantFrom('xsave', 'xsavec'),
      areaBytes: fc.nat(12_000),
      components: bits,
    })
    .chain((way) =>
      fc.constantFrom('chosen', 'idle').map(
        (kind): Told<LazyBinding> => ({
          known: true,
          value: { kind, ways: [way] },
        }),
      ),
    ),
);

const frames = fc.oneof(
  fc.constant(untold),
  fc
    .array(fc.record({ areaBytes: fc.integer({ min: 576, max: 12_000 }), inUse: bits }), {
      maxLength: 3,
    })
    .map((list) => ({
      known: true as const,
      value: list.map((frame) => ({ ...frame, tid: 7, features: frame.inUse })),
    })),
);

const saved: fc.Arbitrary<ImageProcess['savedStates']> = fc.oneof(
  fc.constant(untold),
  fc
    .array(
      fc
        .record({ format: fc.constantFrom('compacted', 'standard'), components: bits })
        .map((state) => ({ ...state, tid: 7, xstateBv: state.components })),
      { maxLength: 2 },
    )
    .map((value) => ({ known: true as const, value })),
);

/** Below 2^47 as a rule. */
const highest: fc.Arbitrary<ImageProcess['highestAddress']> = fc.constantFrom(
  { known: true, value: 0x7ffd_1234_5000n },
  { known: true, value: 0x8000_0000_1000n },
  { known: false, reason: 'nobody looked' },
);

const folder = fc
  .record({
    host: fc.constantFrom(...hosts),
    inUse: bits,
    binding,
    frames,
    saved,
    highest,
    hasRecord: fc.boolean(),
  })
  .map(
    (plan): ImageFolder => ({
      name: 'images',
      rootPid: 7,
      fingerprint: '',
      remarks: [],
      gaps: [],
      cpuinfo: undefined,
      record: plan.hasRecord
        ? {
            taken: '',
            cpugate: '',
            fingerprint: '',
            host: plan.host,
            mask: undefined,
            enforcement: 'none',
            criu: undefined,
            stopped: [],
          }
        : undefined,
      processes: [
        {
          pid: 7,
          comm: '',
          isAlive: true,
          isStopped: false,
          auxv: new Map(),
          highestAddress: plan.highest,
          threads: [
            {
              tid: 7,
              compat: false,
              rip: 0n,
              rsp: 0n,
              xsave: { xstateBv: plan.inUse, inUse: plan.inUse, lost: 0n },
            },
          ],
          signalFrames: plan.frames,
          savedStates: plan.saved,
          lazyBinding: plan.binding,
          keptCpuid: { known: false, reason: 'no glibc' },
          gaps: [],
          keptSizes: untold,
        },
      ],
    }),
  );

describe('the gate', () => {
  it('forgives nothing that two hosts hold against a move, but what memory rules out', () => {
    fc.assert(
      fc.property(folder, fc.constantFrom(...hosts), (images, target) => {
        if (images.record === undefined) return;
        const report = gate(images, target);
        const compared = compareHosts({ ...images.record.host, name: 'images' }, target);
        const others = (list: typeof compared.findings) =>
          list
            .filter(({ code }) => !code.endsWith('area-grows') && code !== 'address-width')
            .map((one) => JSON.stringify(one));
        expect(others(report.findings)).toEqual(expect.arrayContaining(others(compared.findings)));
        // Where the hosts find that the area grows, the gate says at least "risk".
        const grows = ({ findings }: typeof compared) =>
          findings.some(({ code, severity }) => code === 'xsave-area-grows' && severity !== 'info');
        if (grows(compared)) expect(grows(report)).toBe(true);
        // Narrower addresses are harmless only where all mappings are known to fit.
        const width = ({ findings }: typeof compared) =>
          findings.find(({ code, facts }) => code === 'address-width' && facts.kind !== 'physical');
        const isUntold = images.processes.some(({ highestAddress }) => !highestAddress.known);
        if (width(compared)?.severity === 'risk' && isUntold)
          expect(['risk', 'blocker']).toContain(width(report)?.severity);
      }),
      { numRuns: 300 },
    );
  });

  it('never says yes where nobody knows the source', () => {
    fc.assert(
      fc.property(folder, fc.constantFrom(...hosts), (images, target) => {
        const { verdict, permitted } = gate({ ...images, record: undefined }, target);
        expect(VERDICTS.indexOf(verdict)).toBeGreaterThanOrEqual(VERDICTS.indexOf('unknown'));
        expect(permitted).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('says no wherever a mapping has no place at the target', () => {
    fc.assert(
      fc.property(folder, fc.constantFrom(...hosts), (images, target) => {
        const { verdict, to } = gate(images, target);
        const end = images.processes.reduce(
          (most, { highestAddress: { known, ...told } }) =>
            known && 'value' in told && told.value > most ? told.value : most,
          0n,
        );
        if (to.linearAddressBits !== undefined && end > 2n ** BigInt(to.linearAddressBits - 1))
          expect(verdict).toBe('incompatible');
      }),
      { numRuns: 300 },
    );
  });

  it('says no wherever state in use has no place at the target', () => {
    fc.assert(
      fc.property(folder, fc.constantFrom(...hosts), (images, target) => {
        const { verdict, to } = gate(images, target);
        const inUse = images.processes[0]?.threads[0]?.xsave?.inUse ?? 0n;
        const { value, known } = to.xsave.enabled;
        // CET_U (11) isn't in XCR0.
        if ((inUse & known & ~value & ~(1n << 11n) & ~3n) !== 0n)
          expect(verdict).toBe('incompatible');
      }),
      { numRuns: 300 },
    );
  });

  it('says no wherever registers that a thread will load name state which the target lacks', () => {
    fc.assert(
      fc.property(folder, fc.constantFrom(...hosts), (images, target) => {
        const { verdict, to } = gate(images, target);
        const states = images.processes[0]?.savedStates;
        const { value, known } = to.xsave.enabled;
        if (states?.known && states.value.some((one) => (one.components & known & ~value) !== 0n))
          expect(verdict).toBe('incompatible');
      }),
      { numRuns: 300 },
    );
  });
});
