/** Text in SVG: what may stand there, and how wide it is. */
import { displayColumns } from '../display-width.js';

/** Characters that XML 1.0 can't hold (2.2 there) become a sign for that; those that steer it are escaped. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`);
}

/** Of a character to the font's size; what is usual is 0.6. */
const ADVANCE = 0.61;

/** Width in a font of equally wide characters. */
export function textWidth(text: string, fontSize: number): number {
  return displayColumns(text) * ADVANCE * fontSize;
}
