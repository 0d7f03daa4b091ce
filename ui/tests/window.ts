// the window as a test wishes it.
import { render } from "@testing-library/svelte";
import { tick } from "svelte";
import { vi } from "vitest";
import { parseRoute, router } from "$lib/state/router.svelte";
import App from "../src/App.svelte";
import { LATER } from "../src/routes/later.svelte";
import type { FakeBackend } from "./fake";

export function setVisibility(state: DocumentVisibilityState): void {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** Lets every promise that is ready run, and what is drawn follow. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  await tick();
}

/** The whole app at an address. */
export async function openApp(backend: FakeBackend, hash = "#/overview"): Promise<void> {
  window.history.replaceState(null, "", hash);
  // the address of the test before may still be on its way
  await new Promise((resolve) => setTimeout(resolve));
  router.route = parseRoute(hash);
  // as if each page had been looked at before
  await Promise.all(Object.values(LATER).map((later) => later.load()));
  render(App, { backend });
  await settled();
  // a page that is loaded when somebody comes to it
  if (hash.startsWith("#/settings")) {
    await vi.dynamicImportSettled();
    await settled();
  }
}

export function find(testid: string): HTMLElement {
  const element = query(testid);
  if (!element) throw new Error(`nothing has data-testid="${testid}" in:\n${document.body.innerText}`);
  return element;
}

export function query(testid: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-testid="${testid}"]`);
}

export function all(testid: string): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(`[data-testid="${testid}"]`)];
}

export function text(testid: string): string {
  return (find(testid).textContent ?? "").replaceAll(/\s+/g, " ").trim();
}

export async function click(testid: string): Promise<void> {
  find(testid).click();
  await settled();
}

/** Waits for what a pause of re-reading delays. */
export async function eventually(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 10 });
}
