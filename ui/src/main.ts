// starts the UI over Tauri. The language comes first: libraries may ask for it as soon as they are loaded.
import "$lib/format/language";
import { mount } from "svelte";
import "$lib/styles/base.css";
import { tauriBackend } from "$lib/backend/tauri";
import { appearance } from "$lib/state/appearance.svelte";
import App from "./App.svelte";

appearance.apply();

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no element #app");

export default mount(App, { target, props: { backend: tauriBackend() } });
