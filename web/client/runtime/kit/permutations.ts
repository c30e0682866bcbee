// This file is where the kit puts things into every order, one order after another.

/** The order of this number: 0 is 1, 2, 3 …, and the last one counts down; lexicographic between. */
export function permutation(order: Uint8Array, number: number): void {
  const size = order.length;
  const left: number[] = [];
  let orders = 1;
  for (let at = 0; at < size; at++) {
    left[at] = at + 1;
    orders *= at + 1;
  }
  let rest = number;
  for (let at = 0; at < size; at++) {
    orders /= size - at;
    const behind = rest % orders;
    order[at] = left.splice((rest - behind) / orders, 1)[0] as number;
    rest = behind;
  }
}

/** The next order; the last one stays. */
export function permute(order: Uint8Array): void {
  let at = order.length - 2;
  while (at >= 0 && (order[at] as number) > (order[at + 1] as number)) at--;
  if (at < 0) return;
  const held = order[at] as number;
  let other = order.length - 1;
  while ((order[other] as number) < held) other--;
  order[at] = order[other] as number;
  order[other] = held;
  for (let low = at + 1, high = order.length - 1; low < high; low++, high--) {
    const kept = order[low] as number;
    order[low] = order[high] as number;
    order[high] = kept;
  }
}
