/** This file is where finished answers outlive the page, in IndexedDB, where the browser allows it. */

import type { Finished } from "./reports.ts";

const DATABASE = "grid";
const STORE = "finished";

/** Some browsers neither open nor refuse: then the page's own memory is all there is. */
const OPEN_LIMIT_MS = 5_000;

export interface Shelf {
  /** Everything put and not dropped, also by earlier visits. */
  all(): Promise<Finished[]>;
  put(one: Finished): Promise<void>;
  drop(resultId: string): Promise<void>;
  clear(): Promise<void>;
}

/** Never rejects: what is refused is as if nothing had been kept. */
export class KeptShelf implements Shelf {
  #opened: Promise<IDBDatabase | null> | null = null;

  async all(): Promise<Finished[]> {
    return (await this.#with("readonly", (store) => store.getAll() as IDBRequest<Finished[]>)) ?? [];
  }

  async put(one: Finished): Promise<void> {
    await this.#with("readwrite", (store) => store.put(one, one.report.result_id));
  }

  async drop(resultId: string): Promise<void> {
    await this.#with("readwrite", (store) => store.delete(resultId));
  }

  async clear(): Promise<void> {
    await this.#with("readwrite", (store) => store.clear());
  }

  async #with<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
    const database = await (this.#opened ??= opened());
    try {
      return database && (await answered(ask(database.transaction(STORE, mode).objectStore(STORE))));
    } catch {
      return null;
    }
  }
}

async function opened(): Promise<IDBDatabase | null> {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), OPEN_LIMIT_MS));
    const database = await Promise.race([answered(request), late]);
    // Another tab may want to delete everything.
    if (database) database.onversionchange = () => database.close();
    return database;
  } catch {
    return null;
  }
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
