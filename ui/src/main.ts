// starts the UI. The language comes first: libraries may ask for it as soon as they are loaded.
import "$lib/format/language";
import { mount } from "svelte";
import "$lib/styles/base.css";
import { openBackend } from "$lib/backend/choose";
import { appearance } from "$lib/state/appearance.svelte";
import App from "./App.svelte";

appearance.apply();

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no element #app");

mount(App, { target, props: { backend: await openBackend() } });
