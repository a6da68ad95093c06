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

  /** For example "hosts". */
  constructor(what: string) {
    this.#what = what;
  }

  /** Cheap enough to be called for each of millions. */
  tell(count: number): void {
    if (!this.#isTerminal || ++this.#calls % LOOK_EVERY !== 0) return;
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
