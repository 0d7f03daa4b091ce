// the harness: the real pages over the fake backend, in scenes, to be looked at in a browser. No part of the build.
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at("."),
  cacheDir: at("../node_modules/.vite-harness"),
  plugins: [svelte({ configFile: at("../svelte.config.js") })],
  resolve: { alias: { $lib: at("../src/lib") } },
  server: { port: 5174, strictPort: true, fs: { allow: [at("../..")] } },
});
