/** Aligned columns, wrapped to the terminal. */
import { table } from 'table';

/**
 * Columns without lines between them; the last one takes what is left of the width and wraps.
 * Cells may hold colours.
 */
export function columns(
  rows: readonly (readonly string[])[],
  width: number,
  indent = '  ',
): string {
  if (rows.length === 0) return '';
  const count = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: count - 1 }, (_, column) =>
    Math.max(...rows.map((row) => visibleLength(row[column] ?? ''))),
  );
  const used = indent.length + widths.reduce((sum, one) => sum + one + 2, 0);
  const last = Math.max(20, width - used);
  const text = table(
    rows.map((row) => Array.from({ length: count }, (_, column) => row[column] ?? '')),
    {
      border: Object.fromEntries(
        [
          'topBody',
          'topJoin',
          'topLeft',
          'topRight',
          'bottomBody',
          'bottomJoin',
          'bottomLeft',
          'bottomRight',
          'bodyLeft',
          'bodyRight',
          'bodyJoin',
          'joinBody',
          'joinLeft',
          'joinRight',
          'joinJoin',
        ].map((part) => [part, '']),
      ),
      columnDefault: { paddingLeft: 0, paddingRight: 2 },
      columns: { [count - 1]: { width: last, wrapWord: true, paddingRight: 0 } },
      drawHorizontalLine: () => false,
    },
  );
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (indent + line).trimEnd())
    .join('\n');
}

const ESCAPE = String.fromCharCode(27);

export function visibleLength(text: string): number {
  return text.split(ESCAPE).reduce((sum, part, place) => {
    return sum + (place === 0 ? part.length : part.length - part.indexOf('m') - 1);
  }, 0);
}
