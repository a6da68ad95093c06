/** A headless Chromium, asked over its debugging pipe: a page is opened, looked at, and given keys. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Debian's chromium-headless-shell or chromium; undefined: none is installed. */
export const BROWSER: string | undefined = ['chromium-headless-shell', 'chromium'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export interface Page {
  /** The value of an expression in the page. */
  ask(expression: string): Promise<unknown>;
  /** A key by its name: "ArrowDown". */
  press(key: string): Promise<void>;
  /** Whatever the page or the browser complained of. */
  readonly complaints: readonly string[];
}

/** Messages end with a zero byte (Chromium's --remote-debugging-pipe). */
export async function withPage<T>(address: string, use: (page: Page) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'cpugate-browser-'));
  const args = [
    ...['--no-sandbox', '--disable-gpu', '--headless', '--remote-debugging-pipe'],
    ...['--no-first-run', '--disable-dev-shm-usage', `--user-data-dir=${profile}`, 'about:blank'],
  ];
  const child = spawn(BROWSER as string, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    // Debian's is a shell that starts it: all of the group has to end.
    detached: true,
  });
  const [, , , input, output] = child.stdio as unknown as [null, null, null, Writable, Readable];
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let onLoad = () => {};
  let left = '';
  output.setEncoding('utf8');
  output.on('data', (text: string) => {
    const parts = (left + text).split('\0');
    left = parts.pop() ?? '';
    for (const part of parts) {
      const message: Message = JSON.parse(part);
      if (message.id !== undefined) waiting.get(message.id)?.(message);
      if (message.method === 'Page.loadEventFired') onLoad();
      if (
        /^(?:Runtime\.exceptionThrown|Log\.entryAdded|Runtime\.consoleAPICalled)$/.test(
          message.method ?? '',
        )
      )
        complaints.push(JSON.stringify(message.params));
    }
  });
  let count = 0;
  let session: string | undefined;
  function send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++count;
    const sessionId = session === undefined ? {} : { sessionId: session };
    input.write(`${JSON.stringify({ id, method, params, ...sessionId })}\0`);
    return new Promise((resolve, reject) =>
      waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(error.message)),
      ),
    );
  }
  try {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
    const attached = await send('Target.attachToTarget', { targetId, flatten: true });
    session = attached.sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`);
    const loaded = new Promise<void>((resolve) => {
      onLoad = resolve;
    });
    await send('Page.navigate', { url: address });
    await loaded;
    return await use({
      complaints,
      ask: async (expression) => {
        const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
        return (result as { value?: unknown }).value;
      },
      press: async (key) => {
        for (const type of ['keyDown', 'keyUp'])
          await send('Input.dispatchKeyEvent', { type, key, code: key });
      },
    });
  } finally {
    const ended = new Promise((resolve) => child.on('close', resolve));
    process.kill(-(child.pid as number), 'SIGKILL');
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
