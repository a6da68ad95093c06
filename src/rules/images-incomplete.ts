/**
 * Images are missing without which CRIU restores nothing, or that aren't read here. What they would tell is
 * unknown as well, and no other finding need say so.
 */
import type { ImageGap } from '../model/image-folder.js';
import { rule } from './rule.js';

type Facts = { readonly file: string; readonly gap: ImageGap['gap'] };

const SAID: Readonly<Record<ImageGap['gap'], string>> = {
  missing: 'is missing',
  size: "doesn't have the pages that its map names",
  form: 'holds entries of a form that is unknown here',
  base: 'lacks pages that the dump after it leaves to it',
};

export const imagesIncomplete = rule<'images-incomplete', Facts>({
  code: 'images-incomplete',
  reads: ['images'],
  find: ({ images }) => {
    const gaps = [...(images?.gaps ?? []), ...(images?.alive ?? []).flatMap((one) => one.gaps)];
    const byFile = new Map(gaps.map((one) => [`${one.file} ${one.gap}`, one]));
    return [...byFile.values()].map(({ file, gap }) => ({
      severity: 'unknown' as const,
      facts: { file, gap },
    }));
  },
  sentence: ({ facts: { file, gap } }) => `Images are incomplete: ${file} ${SAID[gap]}.`,
  together: ({ facts: { gap } }) => `Images are incomplete: each of these ${SAID[gap]}.`,
  subject: ({ facts: { file } }) => file,
  remedy: 'dump-again',
  severities: ['unknown'],
  when: 'an image that CRIU needs is missing, has too few or too many pages, or is of an unknown form',
  meaning:
    'A dump that failed, a copy that was cut off, pages that are elsewhere (a page server, the dump before), ' +
    'or a newer CRIU. What is missing is not restored, and what it would show is unknown.',
  advice:
    'Copy the whole folder again from where it was taken, with the folder of the dump before ("parent"), or take the dump again.',
});
