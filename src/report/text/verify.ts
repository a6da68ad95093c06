/** `cpugate verify` for people. */
import { costSentences } from '../../mask/cost.js';
import { isKept, type Verification, type WrongAnswer } from '../../mask/verify.js';
import { printable } from '../../model/printable.js';
import { hex, hex32 } from '../../model/registers.js';
import { featureLabel } from '../feature-label.js';
import type { VerifyNames, VerifyNotes } from '../verify-json.js';
import type { TextStyle } from './check.js';
import { wrap } from './wrap.js';

/** "^" under every hexadecimal digit that differs. */
function carets(a: string, b: string): string {
  return [...a]
    .map((digit, place) => (digit === b[place] ? ' ' : '^'))
    .join('')
    .trimEnd();
}

function wrongLines({ leaf, subleaf, register, seen, expected }: WrongAnswer): string[] {
  const place = `leaf ${hex(leaf)}.${subleaf} ${register.toUpperCase()}`;
  return [
    `  ${place}`,
    `    seen      ${hex32(seen)}`,
    `    expected  ${hex32(expected)}`,
    `              ${carets(hex32(seen), hex32(expected))}`,
  ];
}

function verdictLine(
  result: Verification,
  { baseline, host }: VerifyNames,
  { colors }: TextStyle,
): string {
  const verdict = isKept(result)
    ? colors.green('the mask holds')
    : colors.red('the mask does not hold');
  return `${colors.bold(printable(`${baseline} on ${host}`))}: ${verdict}`;
}

export function verifyText(
  result: Verification,
  names: VerifyNames,
  { remarks, cost }: VerifyNotes,
  style: TextStyle,
): string {
  const { width, colors } = style;
  const paragraph = (text: string, indent: string) => wrap(text, width, indent);
  const lines = [
    verdictLine(result, names, style),
    `${result.answers} CPUID answers compared, ${result.wrong.length} wrong.`,
  ];
  for (const wrong of result.wrong) lines.push(...wrongLines(wrong));
  for (const { name, seen, expected } of result.wrongWords)
    lines.push(`  ${name}: seen ${hex(seen)}, expected ${hex(expected)}`);
  if (result.missing.length > 0)
    lines.push(
      paragraph(
        `In the baseline but not seen: ${result.missing.map(featureLabel).join(', ')}`,
        '  ',
      ),
    );
  if (result.shown.length > 0)
    lines.push(
      paragraph(`Seen but not in the baseline: ${result.shown.map(featureLabel).join(', ')}`, '  '),
    );
  if (result.leaks.length > 0) lines.push('', colors.bold('What no mask hides'));
  for (const { code, what, effect } of result.leaks)
    lines.push(`  ${code}`, paragraph(`${what} ${effect}`, '    '));
  lines.push('', colors.bold('What the mask costs here'));
  for (const sentence of costSentences(cost)) lines.push(paragraph(sentence, '  '));
  if (remarks.length > 0) lines.push('', colors.bold('Assumed for lack of data'));
  for (const remark of remarks) lines.push(paragraph(remark, '  '));
  return `${lines.join('\n')}\n`;
}
