// `/?scene=busy#/tasks`: see scenes.ts for the scenes.
import "$lib/format/language";
import { mount } from "svelte";
import "$lib/styles/base.css";
import { appearance } from "$lib/state/appearance.svelte";
import App from "../src/App.svelte";
import { SCENES } from "./scenes";

appearance.apply();
const target = document.getElementById("app");
const scene = new URLSearchParams(window.location.search).get("scene") ?? "calm";
const make = SCENES[scene];
if (!target || !make) throw new Error(`scenes: ${Object.keys(SCENES).join(", ")}`);
mount(App, { target, props: { backend: make() } });
