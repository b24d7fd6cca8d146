// The divider between before and after: by hand, by key, by button; and blinking.

import { all, element, fill, pressed, words } from "./page.js";

// milliseconds from one to the other: far slower than what may harm
const BEAT = 900;
const STEPS = {
  ArrowLeft: -0.02, ArrowDown: -0.02, PageDown: -0.1,
  ArrowRight: 0.02, ArrowUp: 0.02, PageUp: 0.1,
};
const ENDS = { Home: 0, End: 1 };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Moves the divider of a viewer. */
export class Swipe {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.beat = null;
    this.before = 0.5;
    this.divider = element("lt-divider");
    this.divider.addEventListener("keydown", (event) => this.key(event));
    this.divider.addEventListener("pointerdown", (event) => this.drag(event));
  }

  /** Put the divider at a share of the width; ends blinking. */
  to(share) {
    this.rest();
    this.move(share);
  }

  /** Begin or end blinking; who wants no motion switches by every press. */
  blink() {
    if (this.beat !== null) return this.to(this.before);
    const flip = () => this.move(this.viewer.share > 0 ? 0 : 1);
    if (calm.matches) return flip();
    this.before = this.viewer.share;
    this.beat = setInterval(flip, BEAT);
    pressed(element("lt-blink"), true);
    flip();
  }

  rest() {
    clearInterval(this.beat);
    this.beat = null;
    pressed(element("lt-blink"), false);
  }

  move(share) {
    this.viewer.swipe(share);
    const now = this.viewer.share;
    this.divider.style.left = `${now * 100}%`;
    this.divider.setAttribute("aria-valuenow", String(Math.round(now * 100)));
    this.divider.setAttribute("aria-valuetext", fill(words.position, { share: Math.round(now * 100) }));
    element("lt-is-before").hidden = now < 0.08;
    element("lt-is-after").hidden = now > 0.92;
    for (const button of all("[data-swipe]")) {
      pressed(button, Math.abs(Number(button.dataset.swipe) - now) < 0.005);
    }
  }

  key(event) {
    const to = ENDS[event.key] ?? (event.key in STEPS ? this.viewer.share + STEPS[event.key] : null);
    if (to === null) return;
    event.preventDefault();
    this.to(to);
  }

  drag(event) {
    const { divider } = this;
    divider.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const frame = divider.parentElement.getBoundingClientRect();
      this.to((moved.clientX - frame.left) / frame.width);
    };
    divider.addEventListener("pointermove", move);
    const drop = () => divider.removeEventListener("pointermove", move);
    divider.addEventListener("lostpointercapture", drop, { once: true });
  }
}
