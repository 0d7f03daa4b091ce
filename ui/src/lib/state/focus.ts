// the focus is never lost: when what has it goes away (a page that was read meanwhile, a note that was dismissed,
// the button that opened a dialog), its neighbourhood gets it instead of nobody.

const FOCUSABLE =
  "h1, a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex='0']";

/** Where the focus is in `main`: the element, and what it stands in, from the inside out. */
let chain: Element[] = [];

function isAway(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function inMain(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLElement && target.closest("main") !== null;
}

function remember(event: FocusEvent): void {
  if (!inMain(event.target)) {
    // a dialog gives the focus back; everything else is a choice of its own
    if (event.target instanceof HTMLElement && !event.target.closest("dialog")) chain = [];
    return;
  }
  chain = [];
  for (let at: Element | null = event.target; at && at.tagName !== "MAIN"; at = at.parentElement)
    chain.push(at);
}

/** Gives the focus to the nearest that is left, if nobody has it because what had it is gone. */
function restore(): void {
  const [last] = chain;
  if (!last || !isAway() || document.querySelector("dialog[open]")) return;
  // still there: whoever clicked beside it wanted nothing to have the focus
  if (last.isConnected) return;
  if (last.tagName === "H1") {
    // the page that is there now begins at a heading, too
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    return;
  }
  const around = chain.find((element) => element.isConnected) ?? document.querySelector("main");
  const visible = (element: HTMLElement) => element.checkVisibility?.() ?? true;
  const next = [...(around?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].find(visible);
  (next ?? document.querySelector<HTMLElement>("main h1"))?.focus({ preventScroll: true });
}

/** Watches over the focus until the returned function is called. */
export function keepFocus(): () => void {
  const changes = new MutationObserver(restore);
  changes.observe(document.body, { childList: true, subtree: true });
  document.addEventListener("focusin", remember);
  return () => {
    changes.disconnect();
    document.removeEventListener("focusin", remember);
    chain = [];
  };
}
