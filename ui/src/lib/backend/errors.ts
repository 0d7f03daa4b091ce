// errors are data: whatever the other side or the transport throws becomes one ErrorReply.
import type { ErrorCode } from "$lib/generated/ErrorCode";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import { isObject } from "./json";

/** An `ErrorReply` that can be thrown. */
export class BackendError extends Error {
  readonly reply: ErrorReply;

  constructor(reply: ErrorReply) {
    super(reply.message);
    this.reply = reply;
  }
}

// a record, so that a code added to the contract and forgotten here does not compile
const CODES: Record<ErrorCode, true> = {
  invalid_parameters: true,
  invalid_configuration: true,
  not_found: true,
  conflict: true,
  refused: true,
  database_unavailable: true,
  database_damaged: true,
  database_replaced: true,
  database_newer: true,
  disk_full: true,
  io: true,
  unauthorized: true,
  forbidden: true,
  too_many_requests: true,
  too_large: true,
  timeout: true,
  internal: true,
  unreachable: true,
};

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(CODES, value);
}

/** What to show for anything that was thrown. */
export function toErrorReply(thrown: unknown): ErrorReply {
  if (thrown instanceof BackendError) return thrown.reply;
  if (isObject(thrown) && typeof thrown.message === "string") {
    return {
      code: isErrorCode(thrown.code) ? thrown.code : "internal",
      message: thrown.message,
      hint: typeof thrown.hint === "string" ? thrown.hint : "",
    };
  }
  if (typeof thrown === "string" && thrown !== "") {
    // tauri itself rejects with a bare string: an unknown command, a refused permission, an argument of the wrong type
    return {
      code: "internal",
      message: thrown,
      hint: "this is a fault of Upkeep, not of what you did; copy this message when you report it",
    };
  }
  return {
    code: "internal",
    message: "the request failed without saying why",
    hint: "try again; when it stays, look into the logs folder of the data folder",
  };
}

export function toBackendError(thrown: unknown): BackendError {
  return thrown instanceof BackendError ? thrown : new BackendError(toErrorReply(thrown));
}
