// the UI in a real browser against a real server: Debian's Chromium, nothing is downloaded.
import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
const { UPKEEP_TEST_CHROMIUM } = process.env;

export default defineConfig({
  testDir: ".",
  outputDir: "../test-results",
  // each test has a server of its own; one at a time, as on a machine with little room
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  forbidOnly: true,
  use: {
    locale: "en-GB",
    viewport: { width: 1280, height: 900 },
    launchOptions: {
      executablePath: UPKEEP_TEST_CHROMIUM ?? CHROMIUM.find((path) => existsSync(path)) ?? "chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
