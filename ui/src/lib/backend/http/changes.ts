// signals that something changed: one stream for the whole page, open only while somebody can see what they lead to.
//
// a browser keeps few connections to a server open at once, so whoever wants to hear of changes shares this one.
import type { Change } from "$lib/generated/Change";
import type { Stop } from "../backend";
import { openStream } from "./events";
import type { Requests } from "./requests";

type Listener = (changes: Change[]) => void;

export class ChangeFeed {
  readonly #requests: Requests;
  readonly #listeners = new Set<Listener>();
  /** How many want to hear while the page is hidden. */
  #hidden = 0;
  #stop: Stop | null = null;
  #interrupted = false;

  constructor(requests: Requests) {
    this.#requests = requests;
    document.addEventListener("visibilitychange", () => this.#adjust());
  }

  listen(listener: Listener): Stop {
    // one and the same function may listen twice
    const mine: Listener = (changes) => listener(changes);
    this.#listeners.add(mine);
    this.#adjust();
    return () => {
      this.#listeners.delete(mine);
      this.#adjust();
    };
  }

  followHidden(): Stop {
    let held = true;
    this.#hidden += 1;
    this.#adjust();
    return () => {
      if (held) this.#hidden -= 1;
      held = false;
      this.#adjust();
    };
  }

  #adjust(): void {
    const seen = document.visibilityState !== "hidden" || this.#hidden > 0;
    const wanted = seen && this.#listeners.size > 0;
    if (wanted && !this.#stop) this.#stop = this.#open();
    else if (!wanted && this.#stop) {
      this.#stop();
      this.#stop = null;
      this.#interrupted = this.#listeners.size > 0;
    }
  }

  #open(): Stop {
    return openStream(this.#requests, "/api/events", {
      opened: (again) => {
        // what changed while nobody listened is read anew
        if (again || this.#interrupted) this.#tell([{ kind: "all" }]);
        this.#interrupted = false;
      },
      message: (changes) => this.#tell(changes as Change[]),
      // pages say what they cannot read, and the banner says why
      failed: () => undefined,
    });
  }

  #tell(changes: Change[]): void {
    for (const listener of [...this.#listeners]) listener(changes);
  }
}
