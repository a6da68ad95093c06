/**
 * What --format takes, and who reads it. Apart from what writes them, so that help needs no more than
 * this.
 */
export const ENVIRONMENT_FORMATS = {
  'env-file': 'podman and docker --env-file, kubectl --from-env-file: values as they are',
  shell: 'sh, bash and their like: export NAME=VALUE, quoted',
  systemd: "EnvironmentFile= of a unit: quoted by systemd's rules",
  yaml: 'a Kubernetes ConfigMap',
} as const satisfies Readonly<Record<string, string>>;

export type EnvironmentFormat = keyof typeof ENVIRONMENT_FORMATS;

/** The default first. */
export const ENVIRONMENT_FORMAT_NAMES = Object.keys(
  ENVIRONMENT_FORMATS,
) as readonly EnvironmentFormat[];
