/**
 * Whether built native parts run where they weren't built: with glibc from 2.28 on (Debian 10,
 * RHEL 8) and with musl. Reads their ELF files itself, so that no tool is needed to be sure.
 * Source: the System V gABI, chapters 4 and 5.
 */

/**
 * All that the addon may call, unversioned: functions with one meaning in both C libraries, there in
 * glibc since 2.28 at the latest. Weak ones may be missing.
 */
export const ALLOWED = new Set(
  `_exit abort clock_gettime close closedir dirfd environ execve fcntl flock fork free getppid getrlimit
  kill malloc memchr memcmp memcpy memmove memset mmap munmap nanosleep open opendir prctl prlimit
  pthread_create pthread_join read readdir readlinkat setrlimit sigaction sigaddset sigaltstack
  sigemptyset sigfillset sigprocmask strerror strlen syscall waitpid write
  __cxa_atexit __errno_location __stack_chk_fail`.split(/\s+/),
);

const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const SHT_DYNSYM = 11;
const SHT_GNU_VERDEF = 0x6ffffffd;
const SHT_GNU_VERSYM = 0x6fffffff;
const STB_WEAK = 2;
const DT_NEEDED = 1;
const DT_VERNEED = 0x6ffffffe;

function textAt(bytes, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset));
}

/** Names of the versions that a library defines, by number; linked lists of verdef and verdaux. */
function definedVersions(bytes, offset, strings) {
  const names = new Map();
  for (let at = offset; at !== undefined; ) {
    const aux = at + bytes.readUInt32LE(at + 12);
    names.set(bytes.readUInt16LE(at + 4), textAt(bytes, strings + bytes.readUInt32LE(aux)));
    const next = bytes.readUInt32LE(at + 16);
    at = next === 0 ? undefined : at + next;
  }
  return names;
}

/** What a 64-bit ELF file asks of others: libraries, symbols, a loader. */
export function readElf(bytes) {
  const number = (at) => Number(bytes.readBigUInt64LE(at));
  const table = (offset, size, count) =>
    Array.from({ length: count }, (_, place) => offset + place * size);
  const segments = table(number(32), bytes.readUInt16LE(54), bytes.readUInt16LE(56));
  const sections = table(number(40), bytes.readUInt16LE(58), bytes.readUInt16LE(60));
  const segment = (type) => segments.find((at) => bytes.readUInt32LE(at) === type);
  const section = (type) => sections.find((at) => bytes.readUInt32LE(at + 4) === type);
  const symbols = section(SHT_DYNSYM);
  const strings =
    symbols === undefined ? 0 : number(sections[bytes.readUInt32LE(symbols + 40)] + 24);
  const [numbers, definitions] = [SHT_GNU_VERSYM, SHT_GNU_VERDEF].map((type) => {
    const header = section(type);
    return header === undefined ? undefined : number(header + 24);
  });
  const versions =
    definitions === undefined ? new Map() : definedVersions(bytes, definitions, strings);
  const versionOf = (place) =>
    numbers === undefined
      ? undefined
      : versions.get(bytes.readUInt16LE(numbers + 2 * place) & 0x7fff);
  const dynamic = segment(PT_DYNAMIC);
  const tags =
    dynamic === undefined
      ? []
      : table(number(dynamic + 8), 16, number(dynamic + 32) / 16).map((at) => [
          number(at),
          number(at + 8),
        ]);
  const all =
    symbols === undefined
      ? []
      : table(number(symbols + 24), 24, number(symbols + 32) / 24)
          .slice(1)
          .map((at, place) => ({
            version: versionOf(place + 1),
            name: textAt(bytes, strings + bytes.readUInt32LE(at)),
            isWeak: bytes[at + 4] >> 4 === STB_WEAK,
            isDefined: bytes.readUInt16LE(at + 6) !== 0,
          }));
  return {
    isDynamic: dynamic !== undefined,
    hasInterpreter: segment(PT_INTERP) !== undefined,
    hasVersions: tags.some(([tag]) => tag === DT_VERNEED),
    needed: tags.filter(([tag]) => tag === DT_NEEDED).map(([, at]) => textAt(bytes, strings + at)),
    defined: all
      .filter((symbol) => symbol.isDefined)
      .map(({ name, version }) => ({ name, version })),
    wanted: all
      .filter((symbol) => !symbol.isDefined && !symbol.isWeak)
      .map((symbol) => symbol.name),
  };
}

/** Reasons why these, of which `programs` has some by name, wouldn't run elsewhere; none: they do. */
export function whyNotPortable({ addon, programs }) {
  const { needed, hasVersions, wanted } = readElf(addon);
  const dynamic = Object.entries(programs).filter(([, bytes]) => {
    const { isDynamic, hasInterpreter } = readElf(bytes);
    return isDynamic || hasInterpreter;
  });
  return [
    ...needed.map((library) => `the addon needs ${library}`),
    ...(hasVersions ? ['the addon needs versions of symbols'] : []),
    ...wanted
      .filter((name) => !name.startsWith('napi_') && !ALLOWED.has(name))
      .map((name) => `the addon needs ${name}, which isn't known to be in every C library`),
    ...dynamic.map(([name]) => `${name} isn't static`),
  ];
}
