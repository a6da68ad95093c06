/** Before everything else: what is loaded from here on can come from the cache. */
import { enableCompileCache } from './compile-cache.js';

enableCompileCache();
void import('./cpugate.js');
