/** Names alone, so that the command line can list them without loading what they do. */
export const MODES = ['portable', 'strict', 'instructions', 'advisory'] as const;
/** What a report calls the question about virtual machines, which has no modes. */
export const FOR_MACHINES = 'vm';
export type Mode = (typeof MODES)[number];
