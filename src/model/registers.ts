/**
 * Numbers as a CPU has them: 32-bit registers are unsigned numbers, 64-bit masks are bigints.
 * JavaScript's bitwise operators give signed results, so all of them are here.
 */
import type { Register } from '../catalogue/index.js';

export type { Register } from '../catalogue/index.js';

/** What one CPUID execution gives; each value is 0 … 0xffffffff. */
export type Registers = Readonly<Record<Register, number>>;

/** A value of which only some bits are known: "known" has a 1 where "value" can be trusted. */
export interface Known32 {
  readonly value: number;
  readonly known: number;
}

export interface Known64 {
  readonly value: bigint;
  readonly known: bigint;
}

export const ALL_KNOWN = 0xffffffff;
export const NOTHING_KNOWN: Known32 = { value: 0, known: 0 };
export const KNOWN_ZERO: Known32 = { value: 0, known: ALL_KNOWN };
export const ALL_KNOWN_64 = 0xffffffffffffffffn;

export const NO_REGISTERS: Registers = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
export const ALL_REGISTERS_KNOWN: Registers = {
  eax: ALL_KNOWN,
  ebx: ALL_KNOWN,
  ecx: ALL_KNOWN,
  edx: ALL_KNOWN,
};

export function and(a: number, b: number): number {
  return (a & b) >>> 0;
}

export function or(a: number, b: number): number {
  return (a | b) >>> 0;
}

/** The bits of a that b lacks. */
export function without(a: number, b: number): number {
  return (a & ~b) >>> 0;
}

export function hasBit(value: number, bit: number): boolean {
  return ((value >>> bit) & 1) === 1;
}

export function bitMask(bit: number): number {
  return (1 << bit) >>> 0;
}

/** Bits high … low of a register, as a number. */
export function field(value: number, high: number, low: number): number {
  return (value >>> low) & (high - low === 31 ? ALL_KNOWN : 2 ** (high - low + 1) - 1);
}

export function fieldMask(high: number, low: number): number {
  return (high - low === 31 ? ALL_KNOWN : (2 ** (high - low + 1) - 1) * 2 ** low) >>> 0;
}

/** The bits of a row of the catalogue: one bit, or a field's. */
export function bitsMask(bits: number | readonly [high: number, low: number]): number {
  return typeof bits === 'number' ? bitMask(bits) : fieldMask(...bits);
}

export function hasBit64(value: bigint, bit: number): boolean {
  return ((value >> BigInt(bit)) & 1n) === 1n;
}

export function join64(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

export function split64(mask: bigint): { readonly high: number; readonly low: number } {
  return { high: Number((mask >> 32n) & 0xffffffffn), low: Number(mask & 0xffffffffn) };
}

/** The numbers of the bits that are set, ascending. */
export function bitsOf(mask: bigint): number[] {
  const bits: number[] = [];
  for (let rest = mask, bit = 0; rest !== 0n; rest >>= 1n, bit++)
    if ((rest & 1n) === 1n) bits.push(bit);
  return bits;
}

export function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
