// What is known of the selected region, and the note that is being written on it.

import { all, element, percent, pressed, scene, when, words } from "./page.js";

/** The panel beside the picture. */
export class Panel {
  constructor() {
    this.region = null;
    this.note = element("lt-note");
    // what was written and not yet sent, by region: nothing is lost by looking elsewhere
    this.drafts = new Map();
    this.note.addEventListener("input", () => this.keep());
    window.addEventListener("beforeunload", (event) => {
      if (this.drafts.size) event.preventDefault();
    });
  }

  /** Show a region, or none. */
  show(region) {
    this.region = region;
    this.note.value = region ? (this.drafts.get(region.number) ?? region.note) : "";
    this.tell();
  }

  /** Keep what is being written. */
  keep() {
    if (!this.region) return;
    if (this.note.value === this.region.note) this.drafts.delete(this.region.number);
    else this.drafts.set(this.region.number, this.note.value);
  }

  /** A region's note was sent. */
  sent(region, text) {
    if (this.drafts.get(region.number) === text) this.drafts.delete(region.number);
  }

  /** Show what the region is now. */
  tell() {
    const { region } = this;
    element("lt-title").textContent = region
      ? `${words.region} ${region.number} ${words.of} ${scene.regions.length}`
      : words.none;
    element("lt-facts").textContent = region ? facts(region).join(" · ") : "";
    const place = element("lt-decision");
    place.textContent = region ? words[region.decision] : "";
    place.dataset.decision = region?.decision ?? "";
    element("lt-by").textContent = region?.by ? `${words.by} ${region.by}, ${when(region.at)}` : "";
    for (const button of all("[data-decide]")) {
      pressed(button, button.dataset.decide === region?.decision);
    }
  }
}

function facts(region) {
  const told = [`${region.area.toLocaleString(document.documentElement.lang)} ${words.pixels}`];
  if (region.kind) told.push(words.kinds[region.kind] ?? region.kind);
  if (region.confidence !== null) told.push(`${words.confidence} ${percent(region.confidence)}`);
  told.push(`${words.risk} ${percent(region.risk)}`);
  return told;
}
