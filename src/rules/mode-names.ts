/** Names alone, so that the command line can list them without loading what they do. */
export const MODES = ['portable', 'strict', 'instructions', 'advisory'] as const;
export type Mode = (typeof MODES)[number];
