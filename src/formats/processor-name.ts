/**
 * Processor numbers, as machines and price lists have them ("EPYC 7763", "Xeon Gold 6338", the whole brand string):
 * which named profile is of that generation. The numbers follow the vendors' own schemes: AMD's last digit and
 * Intel's second digit are the generation (AMD EPYC "Model number decoder", 2017 to 2024; Intel "Processor numbers",
 * Xeon Scalable, 2017 to 2023, and Xeon 6; Core, 12th to 14th generation, and Core Ultra). Provider's own numbers (8259CL,
 * 7R13) follow them, too. Some numbers of the 13th and 14th generation are dies of the 12th: their profiles say the same. Core
 * Ultra of the second series are three designs, by suffix; of those with H, U and V there is no profile.
 */
const AROUND = '^(?:1[2-4]th gen\\s+)?(?:(?:amd|intel)(?:\\(r\\))?\\s+)?';
const BEHIND = '(?:\\s+(?:cpu|\\d+-core|processor|@|\\d+\\.\\d+ghz)){0,4}\\s*$';

function pattern(middle: string): RegExp {
  return new RegExp(`${AROUND}${middle}${BEHIND}`, 'i');
}

const XEON = 'xeon(?:\\(r\\))?\\s+';
const SCALABLE = `${XEON}(?:platinum|gold|silver|bronze)\\s+`;

const CORE = 'core(?:\\(tm\\))?\\s+';

/** The first that fits; a suffix says what a number means otherwise (H of the third generation: Cooper Lake). */
const PROCESSORS: readonly (readonly [number: RegExp, profile: string])[] = [
  [pattern('epyc\\s+7[0-9a-z]\\d1[a-z]*'), 'epyc-naples'],
  [pattern('epyc\\s+7[0-9a-z]\\d2[a-z]*'), 'epyc-rome'],
  [pattern('epyc\\s+7[0-9a-z]\\d3[a-z]*'), 'epyc-milan'],
  [pattern('epyc\\s+[89][0-9a-z]\\d4[a-z]*'), 'epyc-genoa'],
  [pattern('epyc\\s+9[0-9a-z]\\d5[a-z]*'), 'epyc-turin'],
  [pattern(`${SCALABLE}[3-9]1\\d\\d[a-z]*`), 'skylake-sp'],
  [pattern(`${SCALABLE}[3-9]2\\d\\d[a-z]*`), 'cascadelake'],
  [pattern(`${SCALABLE}[568]3\\d\\dhl?`), 'cooperlake'],
  [pattern(`${SCALABLE}[4-8]3\\d\\d(?!hl?\\b)[a-z]*\\+?`), 'icelake-sp'],
  [pattern(`${SCALABLE}[3-8]4\\d\\d[a-z]*\\+?`), 'sapphirerapids'],
  [pattern(`${SCALABLE}[3-8]5\\d\\d[a-z]*\\+?`), 'emeraldrapids'],
  [pattern(`${XEON}6[5-9]\\d\\dp[a-z]*`), 'graniterapids'],
  [pattern(`${XEON}6[7-9]\\d\\de[a-z]*`), 'sierraforest'],
  [pattern(`${XEON}(?:cpu\\s+)?e5-[124][46]\\d\\d[a-z]*`), 'sandybridge'],
  [pattern(`${XEON}(?:cpu\\s+)?e5-[124][46]\\d\\d[a-z]*\\s+v2`), 'ivybridge'],
  [pattern(`${XEON}(?:cpu\\s+)?e5-[124][46]\\d\\d[a-z]*\\s+v3`), 'haswell'],
  [pattern(`${XEON}(?:cpu\\s+)?e5-[124][46]\\d\\d[a-z]*\\s+v4`), 'broadwell'],
  [pattern(`${CORE}i[3579]-12\\d{2,3}[a-z]{0,3}`), 'alderlake'],
  [pattern(`${CORE}i[3579]-1[34]\\d{2,3}[a-z]{0,3}`), 'raptorlake'],
  [pattern(`${CORE}(?:i3-n3\\d\\d|3\\s+n3\\d\\d)`), 'gracemont'],
  [pattern(`${CORE}ultra\\s+[579]\\s+1\\d\\d[hu]l?`), 'meteorlake'],
  [pattern(`${CORE}ultra\\s+[579]\\s+2\\d5(?:kf?|f|t|hx)?`), 'arrowlake-s'],
];

const LONGEST = 64;

/** The profile's name; undefined where the number isn't one of these. */
export function profileOfProcessor(text: string): string | undefined {
  if (text.length > LONGEST || !/epyc|xeon|core/i.test(text)) return undefined;
  return PROCESSORS.find(([number]) => number.test(text.trim()))?.[1];
}
