import { constants } from 'node:os';
import { expect, test } from 'vitest';
import type { FaultingVerdict } from '../../src/probe/addon.js';
import { describeFaulting, type FaultingContext } from '../../src/probe/faulting-reason.js';

const ENODEV = 19;
const BARE: FaultingContext = { kernel: '6.12.1', hypervisor: '', offeredByCpu: false };

const NO: readonly [FaultingVerdict, Partial<FaultingContext>, RegExp][] = [
  [{ how: 'unsupported', number: ENODEV }, {}, /ENODEV\): the CPU lacks it/],
  [{ how: 'unsupported', number: ENODEV }, { hypervisor: undefined }, /the CPU lacks it/],
  [{ how: 'unsupported', number: ENODEV }, { hypervisor: 'KVMKVMKVM' }, /hypervisor \(KVMKVMKVM\)/],
  [{ how: 'unsupported', number: ENODEV }, { offeredByCpu: true }, /from 6\.17 on.*6\.12\.1/],
  [{ how: 'unsupported', number: 22 }, { kernel: '4.4.0' }, /4\.4\.0.*EINVAL.*from 4\.12 on/],
  [{ how: 'refused', number: 1 }, {}, /EPERM.*seccomp/],
  [{ how: 'refused', number: 38 }, {}, /ENOSYS/],
  [{ how: 'refused', number: 99_999 }, {}, /99999/],
  [{ how: 'no-trap', number: 0 }, {}, /still gave an answer/],
  [{ how: 'odd-trap', number: 1 }, {}, /si_code 1\b/],
  [{ how: 'killed', number: constants.signals.SIGSYS }, {}, /SIGSYS.*seccomp/],
  [{ how: 'killed', number: constants.signals.SIGSEGV }, {}, /SIGSEGV$/],
  [{ how: 'killed', number: 63 }, {}, /signal 63/],
];

test.each(NO)('%j, %j: no, because %s', (verdict, context, reason) => {
  const { fact, remark } = describeFaulting(verdict, { ...BARE, ...context });
  expect(fact?.works).toBe(false);
  expect(fact?.reason).toMatch(reason);
  expect(remark).toBeUndefined();
});

test('it works', () => {
  const { fact, remark } = describeFaulting({ how: 'works', number: 0 }, BARE);
  expect(fact?.works).toBe(true);
  expect(remark).toBeUndefined();
});

test.each<[FaultingVerdict, RegExp]>([
  [{ how: 'timeout', number: 0 }, /in time/],
  [{ how: 'no-child', number: 11 }, /EAGAIN/],
  [{ how: 'lost', number: 0 }, /without an answer\.$/],
])('%j is neither yes nor no', (verdict, remark) => {
  const described = describeFaulting(verdict, BARE);
  expect(described.fact).toBeUndefined();
  expect(described.remark).toMatch(remark);
});
