// The display check before the start: is the window large enough, the browser at 100 %, and can grey steps be told apart?
// What it finds goes with the form and is stored with the session.

import { browserZoom, warnings } from "./displaycheck.js";

const form = document.getElementById("start");
const selects = [...document.querySelectorAll("select[data-steps]")];

function look() {
  return {
    viewport_width: innerWidth,
    viewport_height: innerHeight,
    screen_width: screen.width,
    screen_height: screen.height,
    pixel_ratio: devicePixelRatio,
    browser_zoom: Math.round(browserZoom(window) * 100) / 100,
    colour_depth: screen.colorDepth,
    touch: navigator.maxTouchPoints > 0,
    grey_steps: Number(selects[0].dataset.steps),
    // Null until the observer has said how many there are to be seen.
    ...Object.fromEntries(selects.map(({ id, value }) => [id, value === "" ? null : Number(value)])),
  };
}

function check() {
  const found = look();
  form.elements.display.value = JSON.stringify(found);
  for (const [name, applies] of Object.entries(warnings(found))) {
    document.querySelector(`[data-warning="${name}"]`).hidden = !applies;
  }
}

addEventListener("resize", check);
for (const select of selects) select.addEventListener("change", check);
check();
