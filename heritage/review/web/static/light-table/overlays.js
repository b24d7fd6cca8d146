// What lies over the picture: buttons that switch it on and off, and how strongly it covers.

import { all, element, failed, pressed } from "./page.js";

/** The switches of outlines, overlays and tratteggio. */
export class Overlays {
  /**
   * @param {import("./viewer.js").Viewer} viewer
   * @param {import("./outlines.js").Outlines} outlines
   */
  constructor(viewer, outlines) {
    this.viewer = viewer;
    this.outlines = outlines;
    this.buttons = new Map([...all("[data-toggle]")].map((button) => [button.dataset.toggle, button]));
    element("lt-opacity").addEventListener("input", (event) => {
      viewer.cover(Number(event.target.value) / 100);
    });
  }

  /** Switch one of them; those the scene has not are left alone. */
  toggle(name) {
    const button = this.buttons.get(name);
    if (!button) return;
    const on = !pressed(button);
    pressed(button, on);
    this.show(name, on).catch(failed);
  }

  async show(name, on) {
    if (name === "outlines") this.outlines.show(on);
    else if (name === "tratteggio") await this.viewer.tratteggio(on);
    else await this.viewer.overlay(name, on);
  }
}
