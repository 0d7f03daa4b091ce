import { afterEach, beforeEach, expect, test } from "vitest";
import { keepFocus } from "$lib/state/focus";
import { settled } from "./window";

let stop: () => void;

beforeEach(() => {
  document.body.innerHTML = `
    <button id="outside">outside</button>
    <main><h1 tabindex="-1">Page</h1>
      <article><button id="pause">Pause</button><p id="note"><button id="dismiss">Dismiss</button></p></article>
      <section><button id="far">far</button></section>
    </main>`;
  stop = keepFocus();
});
afterEach(() => {
  stop();
  document.body.innerHTML = "";
});

function at(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(id);
  return element;
}

async function removed(...ids: string[]): Promise<string> {
  for (const id of ids) at(id).remove();
  // as a browser does it
  if (!document.activeElement?.isConnected) document.body.focus();
  await settled();
  await new Promise((resolve) => setTimeout(resolve));
  return document.activeElement?.id || (document.activeElement?.tagName ?? "");
}

test("what goes away hands the focus to its neighbourhood", async () => {
  at("dismiss").focus();
  expect(await removed("note")).toBe("pause");
});

test("without a neighbour it goes to the heading", async () => {
  at("far").focus();
  at("far").parentElement?.remove();
  expect(await removed("note")).toBe("H1");
});

test("what goes away elsewhere takes no focus from anybody", async () => {
  at("far").focus();
  expect(await removed("note")).toBe("far");
  at("outside").focus();
  expect(await removed("far")).toBe("outside");
});

test("a press beside everything leaves nothing with the focus", async () => {
  at("far").focus();
  at("far").blur();
  expect(await removed("note")).toBe("BODY");
});
