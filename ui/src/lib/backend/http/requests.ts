// one request to the server, and what its answer means. Everything that goes wrong becomes a BackendError.
import type { Stop } from "../backend";
import { BackendError, toErrorReply } from "../errors";

/** A server that took a request and says nothing for so long is not there. */
const PATIENCE_MS = 60_000;
/** A proxy in front says so when there is no server behind it. */
const NOBODY_BEHIND = [502, 504];

type QueryValue = string | number | boolean | null | undefined | readonly string[];
export type Query = Record<string, QueryValue>;

/** A path with its query: what is null or empty is not asked for, and a list stands with commas. */
export function address(path: string, query: Query = {}): string {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(",") : String(value ?? "");
    if (text !== "") asked.set(name, text);
  }
  const text = asked.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** One piece of a path, whatever stands in it. */
export const piece = encodeURIComponent;

export function unreachable(): BackendError {
  return new BackendError({
    code: "unreachable",
    message: `Upkeep at ${window.location.origin} does not answer`,
    hint: "it is tried again by itself; look whether upkeepctl serve runs there, and whether the network is up",
  });
}

/** What an answer that is no success says. */
async function refusal(response: Response): Promise<BackendError> {
  if (NOBODY_BEHIND.includes(response.status)) return unreachable();
  try {
    return new BackendError(toErrorReply(await response.json()));
  } catch {
    // not from Upkeep: something between the browser and it
    return new BackendError({
      code: "internal",
      message: `the server answered ${response.status} ${response.statusText}`.trimEnd(),
      hint: "something between this browser and Upkeep may have answered; look into its log",
    });
  }
}

export class Requests {
  readonly #signedOut = new Set<() => void>();

  /** Hears when an answer says that nobody is signed in. */
  onSignedOut(listener: () => void): Stop {
    this.#signedOut.add(listener);
    return () => this.#signedOut.delete(listener);
  }

  get<T>(path: string, query?: Query): Promise<T> {
    return this.#ask<T>(address(path, query), { method: "GET" });
  }

  /** A request that changes something; it says that it comes from this page and no other. */
  send<T>(method: "POST" | "PUT", path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { "X-Upkeep-Request": "browser" };
    if (body === undefined) return this.#ask<T>(path, { method, headers });
    headers["Content-Type"] = "application/json";
    return this.#ask<T>(path, { method, headers, body: JSON.stringify(body) });
  }

  /** An answer that is a success; its body is still to be read. */
  async open(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
    } catch {
      throw unreachable();
    }
    if (response.ok) return response;
    if (response.status === 401) for (const tell of this.#signedOut) tell();
    throw await refusal(response);
  }

  async #ask<T>(path: string, init: RequestInit): Promise<T> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const headers = { Accept: "application/json", ...init.headers };
    const response = await this.open(path, { ...init, headers, signal });
    // only where nothing is promised is nothing answered
    if (response.status === 204) return null as T;
    try {
      return (await response.json()) as T;
    } catch {
      throw unreachable();
    }
  }
}
