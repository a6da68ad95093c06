/**
 * What people call features whose Linux flag they wouldn't recognise: the instruction itself, or the name
 * that hypervisors use. Every part is accepted wherever a feature is named.
 */
import type { FeatureName } from './features.js';

export const KNOWN_AS: Readonly<Partial<Record<FeatureName, string>>> = {
  pni: 'sse3',
  abm: 'lzcnt',
  cx8: 'cmpxchg8b',
  cx16: 'cmpxchg16b',
  lahf_lm: 'lahf/sahf',
  sep: 'sysenter',
  nonstop_tsc: 'invtsc',
  '3dnowprefetch': 'prefetchw',
};
