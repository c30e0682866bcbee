/** This file is where one page of a browser computes and the others wait. */

const NAME = "grid-volunteer";

/**
 * Runs `body` while this page holds the browser's only place, calling `onWait` first when another
 * page has it. Without Web Locks (plain http, or a page inside a page) it takes part anyway.
 */
export async function alone(
  signal: AbortSignal,
  onWait: () => void,
  body: () => Promise<void>,
): Promise<void> {
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return body();
  try {
    await locks.query();
  } catch {
    return body();
  }
  const had = await locks.request(NAME, { ifAvailable: true }, async (lock) => {
    if (lock) await body();
    return lock !== null;
  });
  if (had || signal.aborted) return;
  onWait();
  await locks.request(NAME, { signal }, body);
}
