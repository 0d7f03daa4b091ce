// `/charts.html?appearance=dark`: every kind of chart with made-up figures.
import "$lib/format/language";
import { mount } from "svelte";
import "$lib/styles/base.css";
import Charts from "./Charts.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("charts.html has no element #app");
const appearance = new URLSearchParams(window.location.search).get("appearance");
if (appearance) document.documentElement.dataset.appearance = appearance;
mount(Charts, { target });
