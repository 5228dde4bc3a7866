// The calls of docs/http.md.

const TIMEOUT_MS = 20000;

/** A call that failed. `status` 0: no usable reply (network, time-out, something in between that isn't the server). */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the same call may succeed later, unchanged. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  /** `url`: the path of the observer's link, such as /quiz/abc. */
  constructor(url, fetch = (...args) => globalThis.fetch(...args)) {
    this.url = url;
    this.fetch = fetch;
  }

  state() {
    return this.#call("GET", "/state");
  }

  shown(trial, ticket) {
    return this.#call("POST", `/trials/${trial}/shown`, { ticket });
  }

  rate(trial, answer) {
    return this.#call("PUT", `/trials/${trial}`, answer);
  }

  async #call(method, path, body) {
    const response = await this.#request(method, path, body);
    const reply = await response.json().catch(() => null);
    if (response.ok && reply !== null) return reply;
    // A page instead of JSON, with whatever status below 500, comes from a proxy or a sign-in portal on the way.
    if (reply === null && response.status < 500) throw new ApiError(0, "not-the-server", "No reply from the quiz.");
    throw new ApiError(response.status, reply?.error ?? "server", reply?.message ?? "The server had a problem.");
  }

  async #request(method, path, body) {
    try {
      return await this.fetch(this.url + path, {
        method,
        cache: "no-store",
        credentials: "same-origin",
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new ApiError(0, "network", "No connection.");
    }
  }
}
