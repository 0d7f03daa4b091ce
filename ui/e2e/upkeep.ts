// what every test here has: an installation of its own, its server, and a page that tells what went wrong in it.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test as base, expect, type Locator, type Page } from "@playwright/test";

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? resolve(HERE, "../../target");
const PROGRAM = join(TARGET, "debug", "upkeepctl");
const HOUR_MS = 3_600_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}

export class Upkeep {
  readonly #root = realpathSync(mkdtempSync(join(tmpdir(), "upkeep-e2e-")));
  readonly home = join(this.#root, "home");
  /** The one folder that may be cleaned. */
  readonly scratch = join(this.#root, "scratch");
  origin = "";
  #port = 0;
  #server: ChildProcess | null = null;
  #said = "";

  constructor() {
    mkdirSync(this.home);
    mkdirSync(this.scratch);
    const location = `[[locations]]\nname = "scratch"\npath = "${this.scratch}"\n`;
    writeFileSync(join(this.home, "config.toml"), location);
  }

  /** A file of so many hours ago, below the folder that may be cleaned. */
  file(name: string, hoursOld: number): string {
    const path = join(this.scratch, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${name}\n`);
    const time = new Date(Date.now() - hoursOld * HOUR_MS);
    utimesSync(path, time, time);
    return path;
  }

  /** Starts the server, again on the same port; the link that it prints. */
  async serve(): Promise<string> {
    this.#port ||= await freePort();
    this.origin = `http://127.0.0.1:${this.#port}`;
    this.#said = "";
    const server = spawn(PROGRAM, ["serve", "--port", String(this.#port)], {
      env: this.#env(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#server = server;
    const listen = (text: Buffer) => (this.#said += text.toString());
    server.stdout.on("data", listen);
    server.stderr.on("data", listen);
    await expect
      .poll(() => this.#said, { message: "the server prints a link", timeout: 60_000 })
      .toMatch(LINK);
    return this.#link(this.#said);
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((done) => server.once("exit", done));
    server.kill("SIGTERM");
    const late = setTimeout(() => server.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(late);
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** As the page that asks for it says. */
  async signInLink(): Promise<string> {
    return this.#link(await this.run("sign-in-link"));
  }

  async run(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(PROGRAM, args, { env: this.#env() });
    return stdout;
  }

  #link(text: string): string {
    const link = LINK.exec(text)?.[0];
    if (!link) throw new Error(`no link in: ${text}`);
    return link;
  }

  #env(): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = { ...process.env, UPKEEP_HOME: this.home, NO_COLOR: "1" };
    delete env.UPKEEP_DATABASE_URL;
    return env;
  }
}

const LINK = /https?:\/\/\S+\/sign-in\?code=[\w-]+/;

interface Fixtures {
  upkeep: Upkeep;
  /** What a browser says against a page: a policy that was broken, an error nobody caught. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern
  upkeep: async ({}, use) => {
    const upkeep = new Upkeep();
    await use(upkeep);
    await upkeep.end();
  },
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      context.on("weberror", (error) => complaints.push(String(error.error())));
      context.on("console", (message) => {
        if (/content security policy|refused to/i.test(message.text())) complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints, "the browser has nothing to complain of").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** A server, and a page whose browser is signed in there. */
export async function signedIn(upkeep: Upkeep, page: Page): Promise<void> {
  await page.goto(await upkeep.serve());
  await expect(page.getByTestId("nav-overview")).toBeVisible();
}

export function seen(page: Page, testid: string): Locator {
  return page.getByTestId(testid);
}
