/** A dump that was packed is put back from its archive, with CRIU itself, and nothing of it lies about. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isHere } from '../export/tools.js';
import { labIsHere, projectRoot, runInGuest } from './lab.js';

const SCRIPT = `
set -eu
cpugate="node ${join(projectRoot, 'dist', 'cpugate.cjs')}"
mkdir -p /var/lib/moved/images /var/lib/moved/tmp; cd /var/lib/moved
export TMPDIR=/var/lib/moved/tmp
cat > counter <<'END'
echo $$ > pid; i=0; while :; do i=$((i+1)); echo $i > count; sleep 0.2; done
END
setsid sh counter < /dev/null > out 2>&1 &
sleep 2
$cpugate dump --images images -- --tree "$(cat pid)" --shell-job
before=$(cat count); sleep 1
echo "SAID stopped $(($(cat count) - before))"
tar -C images $PACK -cf web . && rm -r images
$cpugate check web localhost > /dev/null; echo "SAID check $?"
$cpugate restore --images web -- --shell-job; echo "SAID restore $?"
sleep 2
[ "$(cat count)" -gt "$before" ] && echo "SAID goes on"
echo "SAID left $(ls tmp | wc -l)"
`;

describe.skipIf(!(labIsHere && isHere('criu', '--version')))(
  'cpugate restore --images ARCHIVE',
  () => {
    test.each([
      ['tar', ''],
      ['gzip', '--gzip'],
      ...(isHere('zstd', '--version') ? [['Zstandard', '--zstd']] : []),
    ])(
      'of a real dump, by %s',
      async (_, pack) => {
        const guest = { cpu: 'Haswell', kernel: '6.1', environment: { PACK: pack }, seconds: 200 };
        const { output } = await runInGuest(guest, ['sh', '-c', SCRIPT]);
        const said = [...output.matchAll(/^SAID (.*)$/gm)].map(([, what]) => what);
        expect(said, output).toEqual(['stopped 0', 'check 0', 'restore 0', 'goes on', 'left 0']);
      },
      300_000,
    );
  },
);
