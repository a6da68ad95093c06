/**
 * What container engines are given so that containers can ask for a mask by its name: files, in the order
 * in which they are written. An engine that finds a hook whose program is missing starts no container at
 * all, so programs come before what names them, and go after it. Pure.
 * Source: oci-hooks(5), containers.conf(5), crio.conf(5), CDI SPEC.md 0.5.0, criu(8) "CONFIGURATION FILES".
 */
import { InputError } from '../model/errors.js';
import { execLine, scriptText } from './criu-script.js';

export const ENGINES = ['podman', 'crio', 'containerd', 'runc'] as const;
export type Engine = (typeof ENGINES)[number];

export const ANNOTATION = 'dev.cpugate/mask';
export const CDI_KIND = 'cpugate.dev/mask';

const OWN = '/etc/cpugate';
const HOOKS = '/etc/containers/oci/hooks.d';
const CDI = '/etc/cdi';
const CRIU = '/etc/criu';
const OCI_HOOK = `${OWN}/oci-hook`;
const CRIU_HOOK = `${OWN}/criu-hook`;

/** In files that take comments. */
const MARK = '# Written by "cpugate install"; "cpugate install --remove" removes it.';

export interface InstallFile {
  readonly path: string;
  readonly content: string;
  readonly isProgram: boolean;
  /** Of one mask, and not of all that are installed. */
  readonly isOfMask: boolean;
  /** Lines that make somebody else's file as good as ours; none: none do. */
  readonly wanted: readonly string[];
  /** Whether a file that stands there is cpugate's. */
  isOwn(found: string): boolean;
}

export interface InstallPlan {
  readonly engine: Engine;
  /** By which containers ask for the mask. */
  readonly name: string;
  /** The baseline's file. */
  readonly baseline: string;
  /** What runs cpugate: absolute paths. */
  readonly command: readonly string[];
  /** Whether CRIU takes scripts beside an engine's own notifications: from release 4 on. */
  readonly hasScripts: boolean;
}

/** Throws InputError for a name that could be a path or a pattern, or that an engine wouldn't take. */
export function checkMaskName(name: string): string {
  if (/^[a-z0-9][a-z0-9.-]{0,62}$/.test(name)) return name;
  throw new InputError('usage', `"${name}" can't be a mask's name`, {
    remedy: 'Give one with --name: small letters, digits, "." and "-", a letter or digit first.',
  });
}

export function maskPath(name: string): string {
  return `${OWN}/${name}.json`;
}

const same = (content: string) => (found: string) => found === content;
const marked = (found: string) => found.includes(MARK);

function program(path: string, content: string): InstallFile {
  return { path, content, isProgram: true, isOfMask: false, wanted: [], isOwn: marked };
}

function settings(path: string, lines: readonly string[]): InstallFile {
  const content = `${[MARK, ...lines].join('\n')}\n`;
  return { path, content, isProgram: false, isOfMask: false, wanted: lines, isOwn: marked };
}

function ociArguments(name: string): string[] {
  return ['oci-hook', '--mask', maskPath(name)];
}

/** Whether JSON names our program as a hook's. */
function callsOwnHook(found: string): boolean {
  try {
    const text = JSON.stringify(JSON.parse(found));
    return text.includes(`"path":${JSON.stringify(OCI_HOOK)}`);
  } catch {
    return false;
  }
}

function json(path: string, value: object): InstallFile {
  const content = `${JSON.stringify(value, null, 2)}\n`;
  return { path, content, isProgram: false, isOfMask: true, wanted: [], isOwn: callsOwnHook };
}

/** For Podman and CRI-O; patterns aren't anchored by themselves. */
function hooksFile(name: string): InstallFile {
  const escaped = (text: string) => text.replace(/[.]/g, '\\.');
  return json(`${HOOKS}/cpugate-${name}.json`, {
    version: '1.0.0',
    hook: { path: OCI_HOOK, args: ociArguments(name) },
    when: { annotations: { [`^${escaped(ANNOTATION)}$`]: `^${escaped(name)}$` } },
    stages: ['createRuntime'],
  });
}

function cdiFile(name: string): InstallFile {
  const hook = { hookName: 'createRuntime', path: OCI_HOOK, args: ociArguments(name) };
  return json(`${CDI}/cpugate-${name}.json`, {
    cdiVersion: '0.5.0',
    kind: CDI_KIND,
    devices: [{ name, containerEdits: { hooks: [hook] } }],
  });
}

const BOTH_FOLDERS = `hooks_dir = ["/usr/share/containers/oci/hooks.d", "${HOOKS}"]`;

/** Engines of today look into the packages' folder alone unless they are told. */
const PODMAN_FOLDERS = settings('/etc/containers/containers.conf.d/50-cpugate.conf', [
  '[engine]',
  BOTH_FOLDERS,
]);
const CRIO_FOLDERS = settings('/etc/crio/crio.conf.d/50-cpugate.conf', [
  '[crio.runtime]',
  BOTH_FOLDERS,
]);

function criuFiles(runtimes: readonly string[]): InstallFile[] {
  return runtimes.map((one) => settings(`${CRIU}/${one}.conf`, [`action-script ${CRIU_HOOK}`]));
}

const ENGINE_FILES: Readonly<Record<Engine, (name: string) => readonly InstallFile[]>> = {
  podman: (name) => [cdiFile(name), hooksFile(name), PODMAN_FOLDERS],
  crio: (name) => [cdiFile(name), hooksFile(name), CRIO_FOLDERS],
  containerd: (name) => [cdiFile(name)],
  runc: () => [],
};

/** Which low-level runtimes' CRIU is told of the action script. */
const RUNTIMES: Readonly<Record<Engine, readonly string[]>> = {
  podman: ['runc', 'crun'],
  crio: ['runc', 'crun'],
  containerd: ['runc'],
  runc: ['runc'],
};

/** With our mark behind its first line. */
function markedScript(text: string): string {
  return text.replace('\n', `\n${MARK}\n`);
}

function ociScript(command: readonly string[]): string {
  return markedScript(`#!/bin/sh\n${execLine([...command, 'hook', 'oci'])} "$@"\n`);
}

/** All files, in the order in which they are written; they are removed from the last to the first. */
export function installFiles(plan: InstallPlan): InstallFile[] {
  const { engine, name, baseline, command, hasScripts } = plan;
  return [
    {
      ...{ path: maskPath(name), content: baseline, isProgram: false, isOfMask: true },
      ...{ wanted: [], isOwn: same(baseline) },
    },
    program(OCI_HOOK, ociScript(command)),
    program(CRIU_HOOK, markedScript(scriptText([...command, 'hook', 'criu']))),
    ...(hasScripts ? criuFiles(RUNTIMES[engine]) : []),
    ...ENGINE_FILES[engine](name),
  ];
}

/** Folders where other masks' files show that the programs are still needed. */
export const MASK_FOLDERS: readonly string[] = [HOOKS, CDI];
/** Of a file in one of these. */
export function isMaskFile(name: string): boolean {
  return /^cpugate-.+\.json$/.test(name);
}

/** How a container asks for the mask. */
export function usageLines(engine: Engine, name: string): string[] {
  const device = `--device ${CDI_KIND}=${name}`;
  const annotation = `--annotation ${ANNOTATION}=${name}`;
  return {
    podman: [`podman run ${annotation} IMAGE`, `podman run ${device} IMAGE`],
    crio: [`a pod's annotation ${ANNOTATION}: ${name}`, `the CDI device ${CDI_KIND}=${name}`],
    containerd: [
      `docker run ${device} IMAGE`,
      `nerdctl run ${device} IMAGE`,
      `the CDI device ${CDI_KIND}=${name} of a device plugin or of NRI's device-injector`,
    ],
    runc: [
      `config.json, "hooks"."createRuntime": { "path": "${OCI_HOOK}", "args": ${JSON.stringify(ociArguments(name))} }`,
    ],
  }[engine];
}
