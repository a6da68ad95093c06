/**
 * Colours and signs of a matrix. Every verdict has both; colours differ in lightness as much as in hue,
 * so they can be told apart without seeing hues, and what can't be is pale: the eye finds the ways.
 */
import { VERDICTS, type Verdict } from '../../judge/verdict.js';

interface Paint {
  readonly fill: string;
  readonly sign: string;
}

/** For light and for dark surroundings. */
const PAINTS: Readonly<Record<Verdict, { readonly light: Paint; readonly dark: Paint }>> = {
  compatible: {
    light: { fill: '#1f6fb2', sign: '#ffffff' },
    dark: { fill: '#4aa3e8', sign: '#08131c' },
  },
  'at-risk': {
    light: { fill: '#f2b632', sign: '#3a2a00' },
    dark: { fill: '#d9981a', sign: '#1c1300' },
  },
  unknown: {
    light: { fill: '#8d96a3', sign: '#ffffff' },
    dark: { fill: '#5b6573', sign: '#eef1f5' },
  },
  incompatible: {
    light: { fill: '#f6e3de', sign: '#b04a33' },
    dark: { fill: '#35211d', sign: '#d9775f' },
  },
};

export function paintOf(verdict: Verdict, shade: 'light' | 'dark'): Paint {
  return PAINTS[verdict][shade];
}

export const MEANINGS: Readonly<Record<Verdict, string>> = {
  compatible: 'tasks can move there',
  'at-risk': 'tasks can move there, but some programs may fail',
  unknown: 'too little is known about the hosts',
  incompatible: 'tasks may fail there; at least one difference blocks',
};

/** Strokes about a point, in a square of 10: moves relative to the one before, a list a stroke. */
const STROKES: Readonly<Record<Verdict, readonly (readonly (readonly [number, number])[])[]>> = {
  compatible: [
    [
      [-3.2, 0.2],
      [-0.9, 2.6],
      [3.2, -2.4],
    ],
  ],
  'at-risk': [
    [
      [0, -3.4],
      [0, 0.6],
    ],
    [
      [0, 3],
      [0, 3.3],
    ],
  ],
  unknown: [
    [
      [-1.9, -1.9],
      [-1.4, -3.1],
      [0, -3.6],
      [1.4, -3.1],
      [1.9, -1.9],
      [1.4, -0.8],
      [0.3, -0.1],
      [0, 1],
    ],
    [
      [0, 3],
      [0, 3.3],
    ],
  ],
  incompatible: [
    [
      [-2.3, -2.3],
      [2.3, 2.3],
    ],
    [
      [2.3, -2.3],
      [-2.3, 2.3],
    ],
  ],
};

/** A number without needless digits. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** The sign of a verdict in a square of `size` about a point, for a path's d. */
export function signPath(verdict: Verdict, x: number, y: number, size: number): string {
  return STROKES[verdict]
    .map((stroke) => {
      const points = stroke.map(
        ([dx, dy]) => `${px(x + (dx * size) / 10)} ${px(y + (dy * size) / 10)}`,
      );
      return `M${points.join('L')}`;
    })
    .join('');
}

function rules(shade: 'light' | 'dark'): string {
  const page =
    shade === 'light'
      ? '.page{fill:#fff}.text{fill:#1b2026}.faint{fill:#5c6672}'
      : '.page{fill:#14181d}.text{fill:#e8ebef}.faint{fill:#9aa4b0}';
  return (
    page +
    VERDICTS.map((verdict) => {
      const { fill, sign } = PAINTS[verdict][shade];
      return `.${verdict}{fill:${fill}}.${verdict}-sign{stroke:${sign}}`;
    }).join('')
  );
}

const MONOSPACE = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace";

/** The picture brings its own ground: it is readable whatever it is put on. */
export const STYLE =
  `.sign{fill:none;stroke-linecap:round;stroke-linejoin:round;pointer-events:none}` +
  `.name{font-family:${MONOSPACE}}.prose{font-family:system-ui,'DejaVu Sans',sans-serif}` +
  `${rules('light')}@media(prefers-color-scheme:dark){${rules('dark')}}`;
