// the one place that decides how Rust is reached. Only the transport that is needed is read.
import type { Backend } from "./backend";

export async function openBackend(): Promise<Backend> {
  // what Tauri puts into its own windows and nobody else has
  if ("__TAURI_INTERNALS__" in window) return (await import("./tauri")).tauriBackend();
  return (await import("./http")).httpBackend();
}
