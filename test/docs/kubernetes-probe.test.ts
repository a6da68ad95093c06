/** The DaemonSet that docs/fleet.md has people apply. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { root } from '../cli/run.js';
import { isHere, pythonYamlIsHere, readYaml } from '../export/tools.js';

const text = readFileSync(join(root, 'docs', 'kubernetes-probe.yaml'), 'utf8');
const page = readFileSync(join(root, 'docs', 'fleet.md'), 'utf8');
const probe = join(root, 'native', 'build', 'Release', 'cpugate-probe');

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly securityContext: object;
}

interface DaemonSet {
  readonly spec: {
    readonly selector: { readonly matchLabels: object };
    readonly template: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly initContainers: readonly Container[];
        readonly containers: readonly Container[];
      };
    };
  };
}

/** Every entry of it is in the other; lists are equal in length. */
function expectKept(ours: unknown, theirs: unknown): void {
  if (Array.isArray(ours)) expect(theirs).toHaveLength(ours.length);
  if (typeof ours !== 'object' || ours === null) expect(theirs).toEqual(ours);
  else
    for (const [key, value] of Object.entries(ours)) {
      expect(theirs).toHaveProperty([key]);
      expectKept(value, (theirs as Record<string, unknown>)[key]);
    }
}

describe('the DaemonSet of the docs', () => {
  it('is called as the page calls it', () => {
    const [, name] = /^metadata:\n {2}name: (\S+)$/m.exec(text) ?? [];
    expect(page).toContain(`daemonset/${name}`);
    expect(page).toContain('kubectl apply -f kubernetes-probe.yaml');
    const [, label = '', container = ''] = /-l (\S+) -o name[\s\S]*?-c (\S+) /.exec(page) ?? [];
    expect(text).toContain(label.replace('=', ': '));
    expect(text).toMatch(new RegExp(`initContainers:\\n +- name: ${container}\\n`));
  });

  it.skipIf(!pythonYamlIsHere)('finds its pods, and gives none of them a right', () => {
    const { selector, template } = (readYaml(text) as DaemonSet).spec;
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
    const { initContainers, containers } = template.spec;
    for (const { securityContext } of [...initContainers, ...containers])
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    expect(text).not.toMatch(/hostPath|hostPID|hostNetwork|privileged|serviceAccountName/);
  });

  it.skipIf(!pythonYamlIsHere || !isHere('kubectl', 'version', '--client'))(
    'is as Kubernetes has it, every field of it',
    () => {
      const typed = (input: string) =>
        // This reads the object as its type: a misspelt field would be gone.
        JSON.parse(
          execFileSync(
            'kubectl',
            ['set', 'env', '--local', '-f', '-', '-o', 'json', '-c', 'pause', 'X=1'],
            { input, encoding: 'utf8' },
          ),
        );
      const kept = typed(text);
      expectKept(readYaml(text), kept);
      const misspelt = text.replace('nodeSelector:', 'nodeSelektor:');
      expect(typed(misspelt).spec.template.spec).not.toHaveProperty('nodeSelektor');
    },
  );

  it.skipIf(!pythonYamlIsHere || !existsSync(probe))(
    'starts the probe as it is called',
    async () => {
      const [container] = (readYaml(text) as DaemonSet).spec.template.spec.initContainers;
      const args = (container?.args ?? []).map((one) => one.replace('$(NODE_NAME)', 'node-1'));
      const host = await readHost('log', execFileSync(probe, args));
      expect(host.name).toBe('node-1');
    },
  );
});
