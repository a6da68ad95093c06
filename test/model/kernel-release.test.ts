import { describe, expect, it } from 'vitest';
import { isKernelRelease, isKernelSince } from '../../src/model/kernel-release.js';

describe('a release of Linux', () => {
  it.each([
    '6.1',
    '5.14.0-427.13.1.el9_4.x86_64',
    '6.8.0-45-generic',
    '4.14.355-275.572.amzn2.x86_64',
    '6.12.0+',
    '6.6.87.2-microsoft-standard-WSL2',
    '5.3.18-150300.59.87-default',
    '2.6.32-754.el6.x86_64',
  ])('is %s', (text) => {
    expect(isKernelRelease(text)).toBe(true);
  });
  it.each([
    '',
    '6',
    'v6.1',
    '6.',
    '.1',
    '6.x',
    'latest',
    '-1.2',
    '6.1 ',
    '6,1',
    '99.1',
    '6.1000',
    '6.1/../x',
    '10.0.19045',
  ])('is not "%s"', (text) => {
    expect(isKernelRelease(text)).toBe(false);
  });
});

describe('a kernel', () => {
  it.each([
    ['5.10.0-30-amd64', '5.10', true],
    ['5.9.16', '5.10', false],
    ['6.1', '5.15', true],
    ['4.18.0-553.el8', '5.5', false],
    ['5.4', '5.10', false],
    ['nonsense', '4.1', false],
  ])('%s since %s: %s', (kernel, first, expected) => {
    expect(isKernelSince(kernel, first)).toBe(expected);
  });
});
