/** A line on the terminal that tells that a long task goes on. */
import { errTerminal, writeErr } from './output.js';

const AFTER_MS = 2000;
const EVERY_MS = 200;
const LOOK_EVERY = 256;
const CLEAR_LINE = `\r${String.fromCharCode(27)}[K`;

export class Progress {
  readonly #what: string;
  readonly #isTerminal = errTerminal() !== undefined;
  #next = Date.now() + AFTER_MS;
  #calls = 0;
  #isShown = false;

  readonly #lookEvery: number;

  /** For example "hosts". `slow`: what is told of takes long, each. */
  constructor(what: string, { slow = false }: { readonly slow?: boolean } = {}) {
    this.#what = what;
    this.#lookEvery = slow ? 1 : LOOK_EVERY;
  }

  /** Cheap enough to be called for each of millions. */
  tell(count: number): void {
    if (!this.#isTerminal || ++this.#calls % this.#lookEvery !== 0) return;
    const now = Date.now();
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    this.#isShown = true;
    writeErr(`${CLEAR_LINE}cpugate: ${count.toLocaleString('en')} ${this.#what} …`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#isShown) writeErr(CLEAR_LINE);
    this.#isShown = false;
  }
}
