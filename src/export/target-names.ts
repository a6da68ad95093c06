/**
 * What --for takes, and what each is. Apart from the targets themselves, so that help needs no more
 * than this.
 */
export const TARGET_TITLES = {
  qemu: 'QEMU: a CPU model for -cpu',
  libvirt: 'libvirt: the <cpu> of a domain',
  proxmox: 'Proxmox VE: a custom CPU model',
  kubevirt: 'KubeVirt: the cpu of a virtual machine',
  nova: 'OpenStack Nova: the [libvirt] section of nova.conf',
  xen: 'Xen: the cpuid of a domain, for xl',
  firecracker: 'Firecracker: a custom CPU template',
  gcc: 'gcc: -march and what goes beyond it',
  clang: 'clang: the same',
  rust: 'rustc: -Ctarget-cpu and -Ctarget-feature',
  zig: 'Zig: -mcpu',
  go: 'Go: GOAMD64',
  spack: 'Spack: the target of all packages',
  gentoo: 'Gentoo: CPU_FLAGS_X86',
  oci: 'platform of an OCI image (linux/amd64/v3)',
  glibc: 'GLIBC_TUNABLES for the glibc of the hosts',
  runtimes: 'launch settings of OpenSSL, Java, Go, .NET, NumPy, OpenBLAS and Node.js',
  crac: 'JVMs with CRaC: -XX:CPUFeatures',
  nodeaffinity: 'Kubernetes node affinity on labels of Node Feature Discovery',
  nfd: 'Kubernetes NodeFeatureRule for Node Feature Discovery',
  'nfd-image': 'compatibility artifact of an image for Node Feature Discovery',
  clearcpuid: 'Linux kernel parameter clearcpuid=',
  openvz: 'table of /proc/vz/cpuid_override',
  libvirtcpuid: 'VIRT_CPUID_MASK of libvirtcpuid',
  rr: 'options of rr record',
  gvisor: 'annotation of a gVisor sandbox',
  criu: "CRIU's cpuinfo.img of the baseline",
  supervisor: 'the compiled mask, for cpugate-supervisor where there is no Node',
} satisfies Readonly<Record<string, string>>;

export type TargetName = keyof typeof TARGET_TITLES;

/** Those whose files are bytes, not text. */
export type BinaryTargetName = 'criu' | 'supervisor';

/** In the order of the help. */
export const TARGET_NAMES = Object.keys(TARGET_TITLES) as readonly TargetName[];
