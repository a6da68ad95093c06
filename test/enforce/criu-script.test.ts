import { expect, test } from 'vitest';
import { scriptText } from '../../src/enforce/criu-script.js';

test('the script survives the shell, whatever its words hold', () => {
  expect(scriptText(['/usr/bin/node', "it's", 'a $b'])).toBe(
    "#!/bin/sh\nexec '/usr/bin/node' 'it'\\''s' 'a $b'\n",
  );
});
