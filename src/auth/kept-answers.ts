/**
 * What was found out about tokens, kept for a while, by what identifies them: never more than so many of each kind, so
 * that tokens that nobody knows push out none that is good. Who asks for the same at the same time waits for the same.
 */

export interface Finding<T> {
  /** Null: nobody knows it. */
  value: T | null;
  /** Milliseconds from now on; 0 or less: only for those who wait for it. */
  keepMs: number;
}

export interface KeptAnswers<T> {
  /** `find` is called when nothing is kept; what it throws is not kept. */
  get(key: string, find: () => Promise<Finding<T>>): Promise<T | null>;
}

interface Kept<T> {
  value: T | null;
  until: number;
}

/** `now` in milliseconds, and never set back: what is kept must not live longer when somebody sets the clock. */
export function keptAnswers<T>({
  goodMax,
  badMax,
  now,
}: {
  goodMax: number;
  badMax: number;
  now: () => number;
}): KeptAnswers<T> {
  const good = new Map<string, Kept<T>>();
  const bad = new Map<string, Kept<T>>();
  const running = new Map<string, Promise<T | null>>();

  function kept(of: Map<string, Kept<T>>, key: string): Kept<T> | null {
    const found = of.get(key);
    if (found === undefined) return null;
    if (found.until > now()) return found;
    of.delete(key);
    return null;
  }

  function keep(key: string, { value, keepMs }: Finding<T>): void {
    if (keepMs <= 0) return;
    const [of, max] = value === null ? [bad, badMax] : [good, goodMax];
    of.delete(key);
    of.set(key, { value, until: now() + keepMs });
    for (const oldest of of.keys()) {
      if (of.size <= max) break;
      of.delete(oldest);
    }
  }

  async function look(key: string, find: () => Promise<Finding<T>>): Promise<T | null> {
    try {
      const finding = await find();
      keep(key, finding);
      return finding.value;
    } finally {
      running.delete(key);
    }
  }

  return {
    async get(key, find) {
      const found = kept(good, key) ?? kept(bad, key);
      if (found) return found.value;
      const waited = running.get(key) ?? look(key, find);
      running.set(key, waited);
      return waited;
    },
  };
}
