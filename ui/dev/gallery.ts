// the tokens and the shared components, to be looked at in a browser. No part of the build.
import "$lib/format/language";
import { mount } from "svelte";
import "$lib/styles/base.css";
import { appearance } from "$lib/state/appearance.svelte";
import Gallery from "./Gallery.svelte";

appearance.apply();
const target = document.getElementById("app");
if (!target) throw new Error("gallery.html has no element #app");
mount(Gallery, { target });
