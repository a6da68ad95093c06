/**
 * Whose container an archive is of, by its spec.dump. Podman's and CRI-O's annotation
 * "io.container.manager" says so (podman pkg/specgen, cri-o server/container_create.go); containerd's
 * dumps have the annotations of its CRI plugin.
 */
import type { Input } from '../format.js';

export type ContainerEngine = 'podman' | 'cri-o' | 'containerd';

const MANAGERS: Readonly<Record<string, ContainerEngine>> = { libpod: 'podman', 'cri-o': 'cri-o' };

/** Undefined: of none that is known. */
export function containerEngine(spec: Input | undefined): ContainerEngine | undefined {
  const json = spec?.json() as { annotations?: Record<string, unknown> } | null | undefined;
  const annotations = json?.annotations;
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  const manager = String(annotations['io.container.manager']);
  if (Object.hasOwn(MANAGERS, manager)) return MANAGERS[manager];
  return Object.hasOwn(annotations, 'io.kubernetes.cri.container-type') ? 'containerd' : undefined;
}
