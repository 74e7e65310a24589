/** Draws that are the same in every run. */

export interface Random {
  /** From `from` up to and without `to`. */
  integer(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  /** Different ones. */
  some<T>(count: number, list: readonly T[]): T[];
}

/** mulberry32, by Tommy Ettinger. */
export function randomOf(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (from: number, to: number) => from + Math.floor(next() * (to - from));
  const pick = <T>(list: readonly T[]) => list[integer(0, list.length)] as T;
  return {
    integer,
    pick,
    some<T>(count: number, list: readonly T[]) {
      const found = new Set<T>();
      while (found.size < Math.min(count, list.length)) found.add(pick(list));
      return [...found];
    },
  };
}
