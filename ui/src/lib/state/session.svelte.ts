// who is signed in, where one has to be: in a browser. The desktop's window belongs to who sits before it.
import type { Backend, BrowserShell, Session, Stop } from "$lib/backend/backend";

/** How often somebody without a session is looked for one: the link may be opened in another tab. */
const LOOK_MS = 3000;

export class SessionState {
  /** What the server last said; none in the desktop's window, and until it was asked. */
  current: Session | null = $state.raw(null);
  /** True while pages would only be refused. */
  signedOut = $state(false);
  /** True once it is known whether pages can be shown. */
  known = $state(false);
  /** The operator ended it here. */
  ended = $state(false);
  readonly browser: BrowserShell | null;

  constructor(backend: Backend) {
    this.browser = backend.shell.kind === "browser" ? backend.shell : null;
    this.known = this.browser === null;
  }

  /** Looks who is signed in, hears when nobody is any more, and looks for a new session until stopped. */
  follow(): Stop {
    const { browser } = this;
    if (!browser) return () => undefined;
    const stopHearing = browser.onSignedOut(() => (this.signedOut = true));
    const look = () => {
      if (document.visibilityState !== "hidden" && (this.signedOut || !this.current)) void this.look();
    };
    const timer = setInterval(look, LOOK_MS);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    look();
    return () => {
      stopHearing();
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }

  async look(): Promise<void> {
    try {
      const session = (await this.browser?.session()) ?? null;
      this.current = session;
      this.signedOut = session !== null && !session.signed_in;
      if (!this.signedOut) this.ended = false;
    } catch {
      // a server that does not answer is told by the banner of the pages
    }
    this.known = true;
  }

  /** Rejects when the server did not end it. */
  async signOut(): Promise<void> {
    await this.browser?.signOut();
    this.ended = true;
    this.signedOut = true;
  }
}
