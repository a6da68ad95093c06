/** CRIU's cpuinfo.img, written. */
import { PbfWriter } from 'pbf';
import { criuCpuinfo } from '../criu/cpuinfo.js';
import type { CriuCpuinfo } from '../model/criu-cpuinfo.js';
import { InputError } from '../model/errors.js';
import type { Host } from '../model/host.js';
import { COMMON_MAGIC, CPUINFO_MAGIC, FIELD, VENDORS } from './criu-image-layout.js';

/** The image, byte for byte as CRIU writes it. */
export function encodeCriuImage(criu: CriuCpuinfo): Uint8Array {
  const entry = new PbfWriter();
  const write = (field: number, value: number | undefined) => {
    if (value !== undefined) entry.writeVarintField(field, value);
  };
  write(FIELD.vendor, VENDORS.indexOf(criu.vendor));
  write(FIELD.family, criu.family);
  write(FIELD.model, criu.model);
  write(FIELD.stepping, criu.stepping);
  write(FIELD.version, criu.capabilityVersion);
  for (const word of criu.words) write(FIELD.words, word);
  if (criu.modelId !== undefined)
    entry.writeBytesField(
      FIELD.modelId,
      Uint8Array.from(criu.modelId, (letter) => letter.charCodeAt(0) & 0xff),
    );
  write(FIELD.mask, criu.xfeaturesMask === undefined ? undefined : Number(criu.xfeaturesMask));
  write(FIELD.size, criu.xsaveSize);
  write(FIELD.sizeMax, criu.xsaveSizeMax);
  const payload = new PbfWriter();
  payload.writeBytesField(1, entry.finish());
  const message = payload.finish();
  const image = new Uint8Array(12 + message.length);
  const header = new DataView(image.buffer);
  header.setUint32(0, COMMON_MAGIC, true);
  header.setUint32(4, CPUINFO_MAGIC, true);
  header.setUint32(8, message.length, true);
  image.set(message, 12);
  return image;
}

const REMEDY = 'Record the host on the machine itself with "cpugate probe" or "cpuid -r".';

function notEnough(host: Host, message: string, remedy: string): InputError {
  return new InputError('not-enough-data', message, { place: { file: host.name }, remedy });
}

/** The record, or InputError that says what keeps CRIU or cpugate from writing one. */
function recordOf(host: Host): CriuCpuinfo {
  const result = criuCpuinfo(host);
  switch (result.outcome) {
    case 'complete':
      return result.cpuinfo;
    case 'unsupported-vendor':
      throw notEnough(
        host,
        `has a CPU of ${result.vendor}, and CRIU knows Intel, AMD and Hygon only`,
        'CRIU itself writes an empty image there, and crashes when it reads it.',
      );
    case 'incomplete':
      throw notEnough(host, `lacks data that CRIU stores: ${listed(result.missing)}`, REMEDY);
  }
}

function listed(what: readonly string[]): string {
  const shown = what.slice(0, 8).join(', ');
  return what.length > 8 ? `${shown} and ${what.length - 8} more` : shown;
}

/** CRIU crashes on an image without a name, and compares it with nothing. */
const NAMELESS = 'unknown';

/** For `write` of the format. */
export function writeCriuImage(host: Host) {
  const criu = recordOf(host);
  if ((criu.xfeaturesMask ?? 0n) > BigInt(Number.MAX_SAFE_INTEGER))
    throw notEnough(host, 'holds a mask of state components that CRIU never writes', REMEDY);
  const lost: string[] = [];
  if (host.criu === undefined) {
    lost.push('CPUID leaves that CRIU does not store: leaf 0x7.1, caches, topology and others.');
    lost.push('The layout of state components: CRIU stores only their total size.');
    if (host.system !== undefined) lost.push('What the OS adds: kernel, microcode, C library.');
  }
  if (criu.modelId === undefined)
    lost.push(
      `The processor's name: the CPU has none. "${NAMELESS}" stands there, as CRIU crashes on an image without.`,
    );
  return { content: encodeCriuImage({ ...criu, modelId: criu.modelId ?? NAMELESS }), lost };
}
