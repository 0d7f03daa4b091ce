import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";
import { checkFirstPage } from "./build/first-page.ts";

export default defineConfig({
  plugins: [svelte(), svelteTesting(), checkFirstPage()],
  resolve: { alias: { $lib: fileURLToPath(new URL("./src/lib", import.meta.url)) } },
  server: {
    // tauri's devUrl names this port, so another one would show an empty window
    port: 5173,
    strictPort: true,
    // the icon is drawn once, at the root
    fs: { allow: [".."] },
  },
  build: {
    // the oldest engines that know light-dark(); older ones would get it rewritten into something that ignores our switch
    target: ["es2023", "chrome123", "safari17.5"],
    // the polyfill is a script that a strict policy need not meet
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    // a machine that builds at the same time is slow, not wrong
    testTimeout: 30_000,
  },
});
