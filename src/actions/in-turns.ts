/** Many small things, a few at a time. */

const atOnce = 8;

/** @throws what the first one that fails throws; those under way go on, no others are begun */
export async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
