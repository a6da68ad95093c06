/**
 * What --for takes, and what each is. Apart from the targets themselves, so that help needs no more
 * than this.
 */
export const TARGET_TITLES = {
  qemu: 'QEMU: a CPU model for -cpu',
  libvirt: 'libvirt: the <cpu> of a domain',
  firecracker: 'Firecracker: a custom CPU template',
  gcc: 'gcc: -march and what goes beyond it',
  clang: 'clang: the same',
  glibc: 'GLIBC_TUNABLES for the glibc of the hosts',
  runtimes: 'launch settings of OpenSSL, Java, Go, .NET, NumPy, OpenBLAS and Node.js',
  nodeaffinity: 'Kubernetes node affinity on labels of Node Feature Discovery',
  nfd: 'Kubernetes NodeFeatureRule for Node Feature Discovery',
  clearcpuid: 'Linux kernel parameter clearcpuid=',
  openvz: 'table of /proc/vz/cpuid_override',
  libvirtcpuid: 'VIRT_CPUID_MASK of libvirtcpuid',
  rr: 'options of rr record',
  gvisor: 'annotation of a gVisor sandbox',
  criu: "CRIU's cpuinfo.img of the baseline",
} satisfies Readonly<Record<string, string>>;

export type TargetName = keyof typeof TARGET_TITLES;

/** In the order of the help. */
export const TARGET_NAMES = Object.keys(TARGET_TITLES) as readonly TargetName[];
