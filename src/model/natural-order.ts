/** Names as people count them: web-7, web-8, web-10. */

const ZERO = 0x30;
const NINE = 0x39;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function endOfNumber(text: string, start: number): number {
  let end = start;
  while (isDigit(text.charCodeAt(end))) end++;
  return end;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function skipZeros(text: string, start: number, end: number): number {
  let at = start;
  while (at < end && text.charCodeAt(at) === ZERO) at++;
  return at;
}

/** Digits of any length, where they stand: names of a million hosts are compared. */
function compareNumbers(
  a: string,
  at: number,
  end: number,
  b: string,
  other: number,
  last: number,
) {
  let [left, right] = [skipZeros(a, at, end), skipZeros(b, other, last)];
  const longer = end - left - (last - right);
  if (longer !== 0) return longer;
  while (left < end && a.charCodeAt(left) === b.charCodeAt(right)) {
    left++;
    right++;
  }
  return left === end ? 0 : a.charCodeAt(left) - b.charCodeAt(right);
}

/**
 * Numbers by value, all else by code unit. Names that differ in leading zeros alone go by code unit as
 * well: only a name itself is equal to it. Own code, because Intl.Collator takes 7 ms to make, orders
 * by the data of the host's ICU, and holds different names for equal.
 */
export function byName(a: string, b: string): number {
  let [at, other] = [0, 0];
  while (at < a.length && other < b.length) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(other)];
    if (isDigit(left) && isDigit(right)) {
      const [end, otherEnd] = [endOfNumber(a, at), endOfNumber(b, other)];
      const order = compareNumbers(a, at, end, b, other, otherEnd);
      if (order !== 0) return order;
      [at, other] = [end, otherEnd];
    } else if (left === right) {
      at++;
      other++;
    } else return left - right;
  }
  return a.length - at - (b.length - other) || byCodeUnit(a, b);
}
