// What must survive a reload, a crash and a closed lid: ratings not yet confirmed, and how far the image on screen has got.

const OPEN_TIMEOUT_MS = 3000;
const COMMIT_TIMEOUT_MS = 10_000;

/** The browser's IndexedDB; where it is refused (private window) or fails later, things are kept by the page alone. */
export class Storage {
  #db;

  static async open(factory = globalThis.indexedDB) {
    return new Storage(await openDatabase(factory).catch(() => null));
  }

  constructor(db) {
    this.#db = db;
    if (db) db.onclose = db.onversionchange = () => this.#lose();
  }

  /** False when nothing outlives this page. */
  get durable() {
    return this.#db !== null;
  }

  /** Keeps a rating (or the note that an image was shown); resolves when it is on the disk. */
  async keep(item) {
    await this.#change("queue", (store) => store.put(item));
  }

  async drop(item) {
    await this.#change("queue", (store) => store.delete([item.session, item.trial, item.kind]));
  }

  async kept(session) {
    const all = await this.#read("queue", (store) => store.getAll());
    return (all ?? []).filter((item) => item.session === session);
  }

  /** Notes when the session's latest image was first painted and what was measured so far. */
  async noteProgress(progress) {
    await this.#change("progress", (store) => store.put(progress), "relaxed");
  }

  async progress(session) {
    return (await this.#read("progress", (store) => store.get(session))) ?? null;
  }

  #lose() {
    this.#db?.close();
    this.#db = null;
  }

  async #change(store, change, durability = "strict") {
    await this.#transact(store, "readwrite", durability, change);
  }

  #read(store, read) {
    return this.#transact(store, "readonly", "default", read);
  }

  async #transact(store, mode, durability, use) {
    if (!this.#db) return undefined;
    try {
      return await committed(this.#db.transaction(store, mode, { durability }), store, use);
    } catch {
      this.#lose();
      return undefined;
    }
  }
}

function committed(transaction, store, use) {
  return new Promise((resolve, reject) => {
    const request = use(transaction.objectStore(store));
    // Without waiting to be asked for more: a page that is being left has no time for another turn.
    transaction.commit();
    // A disk that neither keeps nor refuses must not hold back what is to be sent.
    const limit = setTimeout(() => reject(new Error("The browser's storage does not answer.")), COMMIT_TIMEOUT_MS);
    transaction.oncomplete = () => {
      clearTimeout(limit);
      resolve(request.result);
    };
    transaction.onabort = transaction.onerror = () => {
      clearTimeout(limit);
      reject(transaction.error);
    };
  });
}

function openDatabase(factory) {
  return new Promise((resolve, reject) => {
    // A database that neither opens nor fails must not keep the observer waiting.
    setTimeout(reject, OPEN_TIMEOUT_MS);
    const request = factory.open("panodiff-quiz", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("queue", { keyPath: ["session", "trial", "kind"] });
      request.result.createObjectStore("progress", { keyPath: "session" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
