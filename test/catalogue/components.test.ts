/** Numbers: Intel SDM vol. 1, 13.1; AMD APM vol. 2, 11.5; Linux asm/fpu/types.h (enum xfeature). */
import { describe, expect, it } from 'vitest';
import {
  CATALOGUED_STATE,
  COMPONENT,
  componentMask,
  isLegacyState,
  LEGACY_STATE,
} from '../../src/catalogue/index.js';

describe('state components', () => {
  it('have their numbers by name', () =>
    expect(COMPONENT).toEqual({
      x87: 0,
      sse: 1,
      ymm_hi128: 2,
      bndregs: 3,
      bndcsr: 4,
      opmask: 5,
      zmm_hi256: 6,
      hi16_zmm: 7,
      pt: 8,
      pkru: 9,
      pasid: 10,
      cet_u: 11,
      cet_s: 12,
      hdc: 13,
      uintr: 14,
      arch_lbr: 15,
      hwp: 16,
      xtile_cfg: 17,
      xtile_data: 18,
      apx: 19,
      bsr: 20,
      lwp: 62,
    }));

  it.each<[string, readonly number[], bigint]>([
    ['none', [], 0n],
    ['AVX-512', [COMPONENT.opmask, COMPONENT.zmm_hi256, COMPONENT.hi16_zmm], 0xe0n],
    ['AMX', [COMPONENT.xtile_cfg, COMPONENT.xtile_data], 0x60000n],
    ['the highest', [COMPONENT.lwp], 1n << 62n],
    ['one twice', [COMPONENT.pkru, COMPONENT.pkru], 0x200n],
  ])('are a mask: %s', (_, bits, mask) => expect(componentMask(bits)).toBe(mask));

  it('are legacy or not', () => {
    expect(LEGACY_STATE).toBe(3n);
    expect([0, 1, 2, 62].map(isLegacyState)).toEqual([true, true, false, false]);
  });

  it('are all in one mask', () => expect(CATALOGUED_STATE).toBe(0x40000000001fffffn));
});
