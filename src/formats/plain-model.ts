/** How names of CPU models are compared: case, "-", "_", "." and spaces don't count. */
export function plainModel(name: string): string {
  return name.toLowerCase().replace(/[-_.\s]/g, '');
}
