// server-sent events over fetch: unlike EventSource it says why a stream could not be opened.
import type { Stop } from "../backend";
import { BackendError, toBackendError, toErrorReply } from "../errors";
import { unreachable, type Requests } from "./requests";

/** The waits before a stream that broke off is opened again; the last one stays. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000];
/** The server says something every 15 seconds, if only that it is there. */
const SILENCE_MS = 40_000;

export interface ServerEvent {
  /** `message` unless it has another name. */
  event: string;
  data: string;
  /** None unless this message has one. */
  id: string | null;
}

/** Takes a stream's text as it comes, in whatever pieces, and hands on its messages. */
export function eventReader(message: (event: ServerEvent) => void): (text: string) => void {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id: string | null = null;

  function line(text: string) {
    if (text === "") {
      if (data.length > 0) message({ event: event || "message", data: data.join("\n"), id });
      [event, data, id] = ["", [], null];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
    // everything else, comments too, only says that the server is there
  }

  return (text) => {
    rest += text;
    // a carriage return at the end may be half of a line's end
    for (let end = /\r\n|\n|\r(?=[^])/.exec(rest); end; end = /\r\n|\n|\r(?=[^])/.exec(rest)) {
      line(rest.slice(0, end.index));
      rest = rest.slice(end.index + end[0].length);
    }
  };
}

export interface StreamHandlers {
  message(data: unknown): void;
  /** It could not be opened, or broke off; told once until it is open again. */
  failed(error: BackendError): void;
  /** It is open, for the first time or again. */
  opened?(again: boolean): void;
  /** The server has said everything. */
  ended?(): void;
}

/** Trying again would be answered the same. */
function isFinal({ code }: { code: string }): boolean {
  return ["unauthorized", "forbidden", "not_found", "refused", "invalid_parameters", "conflict"].includes(
    code,
  );
}

/** Opens a stream, and opens it again after it broke off, until it has ended, is refused, or is stopped. */
export function openStream(requests: Requests, path: string, handlers: StreamHandlers): Stop {
  let stopped = false;
  let tries = 0;
  let opened = false;
  let failing = false;
  let lastId: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let connection: AbortController | undefined;

  function stop() {
    stopped = true;
    clearTimeout(timer);
    connection?.abort();
  }

  function fail(error: BackendError) {
    if (stopped) return;
    if (!failing) handlers.failed(error);
    failing = true;
    if (isFinal(error.reply)) stop();
  }

  function receive({ event, data, id }: ServerEvent) {
    if (stopped) return;
    if (id !== null) lastId = id;
    if (event === "end") {
      stop();
      handlers.ended?.();
      return;
    }
    const value: unknown = JSON.parse(data);
    if (event === "error") throw new BackendError(toErrorReply(value));
    [tries, failing] = [0, false];
    handlers.message(value);
  }

  async function run(signal: AbortSignal, heard: () => void) {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (lastId !== null) headers["Last-Event-ID"] = lastId;
    const response = await requests.open(path, { headers, signal });
    if (stopped) return;
    handlers.opened?.(opened);
    opened = true;
    const reader = response.body?.getReader();
    const [decoder, read] = [new TextDecoder(), eventReader(receive)];
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done || stopped) return;
      heard();
      read(decoder.decode(part.value, { stream: true }));
    }
  }

  async function connect() {
    const mine = new AbortController();
    connection = mine;
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => mine.abort(), SILENCE_MS);
    };
    heard();
    try {
      await run(mine.signal, heard);
    } catch (thrown) {
      fail(thrown instanceof BackendError ? thrown : brokenOff(thrown));
    }
    clearTimeout(silence);
    mine.abort();
    if (stopped) return;
    timer = setTimeout(() => void connect(), WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]);
    tries += 1;
  }

  void connect();
  return stop;
}

/** Reading from a connection that went away throws what the browser likes. */
function brokenOff(thrown: unknown): BackendError {
  return thrown instanceof SyntaxError ? toBackendError(thrown) : unreachable();
}
