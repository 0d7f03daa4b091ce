import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default ts.config(
  { ignores: ["dist/", "node_modules/", "test-results/", "src/lib/generated/"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  ...svelte.configs.prettier,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig },
    },
  },
  {
    rules: {
      // typescript knows better which names exist
      "no-undef": "off",
      "@typescript-eslint/consistent-type-imports": "error",
      // addresses are hashes of one document: there is no base path to resolve
      "svelte/no-navigation-without-resolve": "off",
      // a style attribute in markup is refused by the content security policy; style: directives go through the CSSOM
      "no-restricted-syntax": [
        "error",
        { selector: 'SvelteAttribute[key.name="style"]', message: "use a class or a style: directive" },
      ],
      // sets and maps here are replaced as a whole, or never shown
      "svelte/prefer-svelte-reactivity": "off",
      "svelte/no-at-html-tags": "error",
    },
  },
  {
    // the one seam: pages and components must not know how Rust is reached
    files: ["src/**/*.{ts,svelte}"],
    ignores: ["src/lib/backend/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@tauri-apps/*"], message: "reach Rust through src/lib/backend only" }] },
      ],
    },
  },
  {
    files: ["src/lib/components/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["@tauri-apps/*", "$lib/backend/*", "$lib/state/*"],
              message: "components know no backend",
            },
          ],
        },
      ],
    },
  },
);
