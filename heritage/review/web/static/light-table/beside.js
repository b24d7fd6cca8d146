// An alternative beside the picture: its view follows the first, and leads it.

import { steer } from "./keyboard.js";
import { element, failed, scene } from "./page.js";
import { add, arrived, makeViewer, source } from "./tiles.js";

/** The second view. */
export class Beside {
  /** @param {import("./viewer.js").Viewer} first */
  constructor(first) {
    this.first = first;
    this.osd = null;
    this.one = null;
    this.item = null;
    this.following = false;
    element("lt-beside")?.addEventListener("change", (event) => {
      this.show(scene.alternatives[event.target.value] ?? null).catch(failed);
    });
  }

  /** Show an alternative, or nothing. */
  async show(one) {
    this.one = one;
    element("lt-second").hidden = !one;
    if (!one) return;
    const link = element("lt-other-link");
    link.textContent = one.label;
    link.href = one.url;
    this.osd ??= this.join();
    await this.anew();
  }

  /** Load it with the window and level of the first. */
  async anew() {
    const { one } = this;
    if (!one) return;
    const item = await add(this.osd, await source(one.after, this.first.query("before"), "jpg"));
    if (this.item) await arrived(item);
    if (one !== this.one) return this.osd.world.removeItem(item);
    if (this.item) this.osd.world.removeItem(this.item);
    this.item = item;
    item.setOpacity(1);
    this.follow(this.first.osd, this.osd);
  }

  join() {
    const osd = makeViewer("lt-other");
    steer(osd.canvas, (x, y) => this.first.pan(x, y));
    for (const event of ["zoom", "pan"]) {
      this.first.osd.addHandler(event, () => this.follow(this.first.osd, osd));
      osd.addHandler(event, () => this.follow(osd, this.first.osd));
    }
    return osd;
  }

  follow(from, to) {
    if (this.following || !this.one || !to.world.getItemCount()) return;
    this.following = true;
    to.viewport.zoomTo(from.viewport.getZoom(), null, true);
    to.viewport.panTo(from.viewport.getCenter(), true);
    this.following = false;
  }
}
