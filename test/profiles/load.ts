/** The shipped profiles, read as the program reads them. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openInput } from '../../src/formats/format.js';
import { namedProfile } from '../../src/formats/named-profile.js';
import type { Host } from '../../src/model/host.js';

const folder = fileURLToPath(new URL('../../cpu-profiles', import.meta.url));

/** What tests look at in a file. */
export interface ProfileFile {
  readonly name: string;
  readonly title: string;
  readonly aliases: readonly string[];
  readonly vendor?: string;
  readonly family?: number;
  readonly model?: number;
  readonly year?: number;
  readonly linearAddressBits?: number;
  readonly features: readonly string[];
  readonly notes: readonly string[];
  readonly exceptions?: readonly { readonly feature: string; readonly why: string }[];
}

export const names: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => basename(file, '.json'));

function bytesOf(name: string): Uint8Array {
  return readFileSync(join(folder, `${name}.json`));
}

export function fileOf(name: string): ProfileFile {
  return JSON.parse(new TextDecoder().decode(bytesOf(name)));
}

export function hostOf(name: string): Host {
  return namedProfile.read(openInput(name, bytesOf(name)));
}
