// Window and level: which values are shown black and white, and how bright what is between.

import { element, failed } from "./page.js";

const PAUSE = 150;
const NARROWEST = 0.001;
const SMALL = matchMedia("(max-width: 40rem)");
const NEUTRAL = { low: 0, high: 1, gamma: 1 };

/** Three sliders. */
export class Levels {
  /** @param {(levels: object|null) => Promise} apply called with the levels; null is neutral */
  constructor(apply) {
    this.apply = apply;
    this.waiting = null;
    this.sliders = { low: element("lt-low"), high: element("lt-high"), gamma: element("lt-gamma") };
    for (const [name, slider] of Object.entries(this.sliders)) {
      slider.addEventListener("input", () => this.moved(name));
    }
    // on a small screen the decision comes first
    if (SMALL.matches) element("lt-levels").open = false;
    this.tell();
  }

  /** What the sliders say. */
  get said() {
    const values = Object.entries(this.sliders).map(([name, slider]) => [name, Number(slider.value) / 100]);
    return Object.fromEntries(values);
  }

  /** As the file has it. */
  neutral() {
    for (const [name, value] of Object.entries(NEUTRAL)) this.sliders[name].value = String(value * 100);
    this.changed();
  }

  /** Black stays under white: the one that is moved pushes the other. */
  moved(name) {
    const { low, high } = this.said;
    if (high - low < NARROWEST) {
      if (name === "low") this.sliders.high.value = String((low + NARROWEST) * 100);
      else this.sliders.low.value = String((high - NARROWEST) * 100);
    }
    this.changed();
  }

  changed() {
    this.tell();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.apply(this.wanted()).catch(failed), PAUSE);
  }

  wanted() {
    const { said } = this;
    return Object.keys(NEUTRAL).some((name) => said[name] !== NEUTRAL[name]) ? said : null;
  }

  tell() {
    for (const [name, value] of Object.entries(this.said)) {
      const shown = name === "gamma" ? value.toFixed(2) : `${(value * 100).toFixed(1)} %`;
      this.sliders[name].setAttribute("aria-valuetext", shown);
      this.sliders[name].nextElementSibling.textContent = shown;
    }
  }
}
