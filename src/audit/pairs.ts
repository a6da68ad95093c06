/** Pairs of place (of the four bytes) and target. */
export class Pairs {
  #places = new Float64Array(1024);
  #targets = new Float64Array(1024);
  length = 0;

  push(place: number, target: number): void {
    if (this.length === this.#places.length) {
      const [places, targets] = [this.#places, this.#targets];
      this.#places = new Float64Array(2 * this.length);
      this.#targets = new Float64Array(2 * this.length);
      this.#places.set(places);
      this.#targets.set(targets);
    }
    this.#places[this.length] = place;
    this.#targets[this.length++] = target;
  }

  place(index: number): number {
    return this.#places[index] as number;
  }

  target(index: number): number {
    return this.#targets[index] as number;
  }
}
