/** How bytes are compressed, by their first four: asked of every file, so that nothing is loaded for it. */
export function compressionOf(head: Uint8Array): 'gzip' | 'zstd' | undefined {
  const magic = Buffer.from(head.subarray(0, 4)).toString('hex');
  if (magic.startsWith('1f8b')) return 'gzip';
  // A frame to be skipped may come first.
  return magic === '28b52ffd' || /^5.2a4d18$/.test(magic) ? 'zstd' : undefined;
}
