import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { readHost } from '../../src/formats/index.js';
import { describeHost } from '../../src/model/capabilities.js';
import { showText } from '../../src/report/text/show.js';
import { dumpText } from '../formats/dump-text.js';
import { fixtureText } from '../formats/fixture.js';
import { hostOf } from '../profiles/load.js';

const PLAIN = { colors: pc.createColors(false), width: 80 };
const OPEN = /Left open: (.*?)\. "cpugate probe"/s;

describe('show says what a source leaves open, and what records it', () => {
  it.each([
    [
      'a bare list of flags',
      'fpu vme de pse tsc msr pae mce cx8 sse sse2 lm syscall nx\n',
      /features/,
    ],
    ['the labels of a node', fixtureText('node'), /features, the size of the XSAVE area/],
  ])('%s', async (_, text, what) => {
    const host = await readHost('x', Buffer.from(text, 'latin1'));
    const shown = showText(host, describeHost(host), PLAIN);
    expect(OPEN.exec(shown)?.[1]?.replace(/\s+/g, ' ')).toMatch(what);
    expect(shown.replace(/\s+/g, ' ')).toContain('ld-linux-x86-64.so.2 --list-diagnostics');
  });
  it('and nothing of a profile or a model, which nobody can ask again', async () => {
    const profile = await readHost('x', Buffer.from(fixtureText('profile')));
    for (const host of [profile, hostOf('haswell')])
      expect(showText(host, describeHost(host), PLAIN)).not.toMatch(OPEN);
  });
  it('nor of a source that leaves nothing open but what is asked elsewhere', async () => {
    const host = await readHost(
      'x',
      Buffer.from(dumpText('haswell-guest-2-cpus.cpuid-r'), 'latin1'),
    );
    const seen = describeHost(host);
    const shown = showText(host, seen, PLAIN);
    expect(OPEN.test(shown)).toBe(/^Unknown \(/m.test(shown) || seen.xsave.areaBytes === undefined);
  });
});
