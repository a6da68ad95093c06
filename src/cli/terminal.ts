/** Where text goes: how wide, and whether coloured. */
import { createColors } from 'picocolors';
import { outTerminal } from './output.js';

export type Colors = ReturnType<typeof createColors>;

export interface Terminal {
  readonly colors: Colors;
  /** Columns to wrap at. */
  readonly width: number;
}

/** Lines longer than this are hard to read even where they would fit. */
const WIDEST = 120;
const WITHOUT_TERMINAL = 100;
/** For which the build makes the help. */
export const USUAL_WIDTHS: readonly number[] = [80, WITHOUT_TERMINAL, WIDEST];

/** COLUMNS wins over the terminal's own width. */
function widthOf(terminal: NodeJS.WriteStream | undefined): number {
  const columns = Number(process.env.COLUMNS) || terminal?.columns || WITHOUT_TERMINAL;
  return Math.max(40, Math.min(columns, WIDEST));
}

export function terminalWidth(): number {
  return widthOf(outTerminal());
}

/**
 * Colours only on a terminal, never with NO_COLOR (no-color.org) or TERM=dumb, always with
 * FORCE_COLOR; --color and --no-color win over all.
 */
export function describeTerminal(
  wanted: boolean | undefined,
  terminalOf: () => NodeJS.WriteStream | undefined = outTerminal,
): Terminal {
  const { env } = process;
  const terminal = terminalOf();
  const byEnvironment = env.NO_COLOR
    ? false
    : env.FORCE_COLOR !== undefined
      ? env.FORCE_COLOR !== '0'
      : terminal !== undefined && env.TERM !== 'dumb';
  return { colors: createColors(wanted ?? byEnvironment), width: widthOf(terminal) };
}
