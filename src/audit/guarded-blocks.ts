/**
 * Which blocks of a function are reached over certain edges only: each way from the start goes over one of them, the
 * same for all ways. With a node of its own on each such edge these are the nodes that one of them dominates.
 * Source: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
 */

export interface Guard {
  /** A block. */
  readonly place: number;
  /** The block that the edge leads to; undefined: all edges out of `place`, together. */
  readonly to: number | undefined;
}

/** Behind all nodes that they lead to, in an order of a search from node 0; what isn't reached is left out. */
function postOrder(followers: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const isSeen = new Uint8Array(followers.length);
  const open = [0];
  const nextOf = new Int32Array(followers.length);
  isSeen[0] = 1;
  for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
    const place = nextOf[node] as number;
    nextOf[node] = place + 1;
    const follower = followers[node]?.[place];
    if (follower === undefined) {
      order.push(node);
      open.pop();
    } else if (isSeen[follower] === 0) {
      isSeen[follower] = 1;
      open.push(follower);
    }
  }
  return order;
}

/** `blocks`: by place, the places that they lead to; the first is the start. 1: behind a guard, on every way. */
export function guardedBlocks(
  blocks: readonly (readonly number[])[],
  guards: readonly Guard[],
): Uint8Array {
  const followers: number[][] = blocks.map((list) => [...list]);
  const isOpener = new Uint8Array(blocks.length + guards.length);
  for (const { place, to } of guards) {
    if (to === undefined) {
      isOpener[place] = 1;
      continue;
    }
    const node = followers.length;
    followers[place] = (followers[place] ?? []).map((one) => (one === to ? node : one));
    followers.push([to]);
    isOpener[node] = 1;
  }
  const order = postOrder(followers);
  const rank = new Int32Array(followers.length).fill(-1);
  for (const [place, node] of order.entries()) rank[node] = place;
  const origins: number[][] = order.map(() => []);
  for (const node of order)
    for (const follower of followers[node] as number[])
      origins[rank[follower] as number]?.push(rank[node] as number);
  // By rank, from here on: the start has the highest.
  const start = order.length - 1;
  const above = new Int32Array(order.length).fill(-1);
  above[start] = start;
  const meet = (one: number, other: number): number => {
    let [a, b] = [one, other];
    while (a !== b) {
      while (a < b) a = above[a] as number;
      while (b < a) b = above[b] as number;
    }
    return a;
  };
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (let node = start - 1; node >= 0; node--) {
      let best = -1;
      for (const origin of origins[node] as number[])
        if (above[origin] !== -1) best = best < 0 ? origin : meet(origin, best);
      if (best === above[node]) continue;
      above[node] = best;
      isChanged = true;
    }
  }
  const isBehind = new Uint8Array(order.length);
  const guarded = new Uint8Array(blocks.length);
  for (let node = start - 1; node >= 0; node--) {
    const dominator = above[node] as number;
    const opens = isOpener[order[dominator] as number] as number;
    isBehind[node] = opens | (isBehind[dominator] as number);
    const block = order[node] as number;
    if (block < blocks.length) guarded[block] = isBehind[node] as number;
  }
  return guarded;
}
