/** What --require asks for of what no mask hides: a file of its own, for every command knows its options. */
export const AGREEMENT_NAMES = ['one-vendor', 'one-cache-line', 'one-address-width'] as const;

export type AgreementName = (typeof AGREEMENT_NAMES)[number];

export function isAgreement(name: string): name is AgreementName {
  return AGREEMENT_NAMES.some((one) => one === name);
}
