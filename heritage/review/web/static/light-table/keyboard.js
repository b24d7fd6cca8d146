// Keys: single ones act unless somebody writes or switched them off.

import { element } from "./page.js";

const ARROWS = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] };

/**
 * Listen to keys.
 * @param {Object<string, () => void>} keys what each single key does
 * @param {() => void} undo for Ctrl+Z
 */
export function listen(keys, undo) {
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.altKey || writing(event.target)) return;
    const held = event.ctrlKey || event.metaKey;
    const single = held || !element("lt-keys").checked ? undefined : keys[event.key.toLowerCase()];
    const act = held && event.key === "z" ? undo : single;
    if (!act) return;
    event.preventDefault();
    act();
  });
  element("lt-note").addEventListener("keydown", (event) => {
    if (event.key === "Escape") element("lt-title").focus({ preventScroll: true });
  });
}

/** Arrow keys move a picture that has the focus. */
export function steer(canvas, pan) {
  canvas.addEventListener("keydown", (event) => {
    const by = ARROWS[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    pan(...by);
  });
}

function writing(target) {
  return target.closest("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, dialog");
}
