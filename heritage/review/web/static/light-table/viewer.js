// Before, after and overlays, one over the other; what is shown of them is decided here.

import { add, arrived, makeViewer, ratio, source } from "./tiles.js";

const OSD = window.OpenSeadragon;
const OVERLAYS = ["mask", "difference", "uncertainty"];
const ORDER = ["before", "after", ...OVERLAYS];
const RIPENING = 2000;

/** The pictures of a restoration. */
export class Viewer {
  /** @param {object} scene what the page was told of the restoration */
  constructor(scene) {
    this.scene = scene;
    this.revision = scene.revision;
    this.levels = null;
    this.after = "after";
    this.shown = new Set();
    this.opacity = 0.7;
    this.share = 0.5;
    this.items = {};
    this.turn = 0;
    this.stale = false;
    this.work = Promise.resolve();
    this.osd = makeViewer("lt-main");
    this.osd.addHandler("update-viewport", () => this.clip());
    this.osd.addHandler("resize", () => this.clip());
  }

  /** Load before and after; the whole picture is in view. */
  async open() {
    await this.put("before");
    await this.put("after");
  }

  /** What the tiles' addresses of a view carry. */
  query(view) {
    const said = new URLSearchParams();
    if (view !== "before") said.set("r", this.revision);
    if (this.turn) said.set("t", this.turn); // not what the browser kept of the first look
    if (this.levels && !OVERLAYS.includes(view)) {
      for (const [name, value] of Object.entries(this.levels)) said.set(name, value.toFixed(3));
    }
    return said.toString();
  }

  /** Put a picture in its place; what was there stays until it has come. */
  async put(name) {
    const view = name === "after" ? this.after : name;
    const format = OVERLAYS.includes(name) ? "png" : "jpg";
    const item = await add(this.osd, await source(this.scene.images[view], this.query(view), format));
    const old = this.items[name];
    if (old) {
      await arrived(item);
      this.osd.world.removeItem(old);
    }
    this.items[name] = item;
    this.arrange();
  }

  /** One over the other in their order, each as visible as it should be. */
  arrange() {
    ORDER.filter((name) => this.items[name]).forEach((name, index) => {
      this.osd.world.setItemIndex(this.items[name], index);
    });
    this.items.before?.setOpacity(1);
    this.cover(this.opacity);
    this.clip();
  }

  /** Show the after-picture on the right of the divider only. */
  clip() {
    const { after } = this.items;
    if (!after || !this.osd.viewport) return;
    const size = after.getContentSize();
    const edge = new OSD.Point(this.osd.container.clientWidth * this.share, 0);
    const x = after.viewportToImageCoordinates(this.osd.viewport.pointFromPixel(edge, true)).x;
    const from = Math.min(Math.max(x, 0), size.x);
    const hidden = from >= size.x;
    after.setClip(from <= 0 || hidden ? null : new OSD.Rect(from, 0, size.x - from, size.y));
    after.setOpacity(hidden ? 0 : 1);
  }

  /** Move the divider; 0 shows after only, 1 before only. */
  swipe(share) {
    this.share = Math.min(Math.max(share, 0), 1);
    this.clip();
  }

  /** Show or hide an overlay. */
  overlay(name, on) {
    if (on) this.shown.add(name);
    else this.shown.delete(name);
    return this.next(async () => {
      if (this.shown.has(name)) return this.items[name] ?? this.put(name);
      if (this.items[name]) this.osd.world.removeItem(this.items[name]);
      delete this.items[name];
    });
  }

  /** How strongly overlays cover, 0..1. */
  cover(opacity) {
    this.opacity = opacity;
    for (const name of OVERLAYS) this.items[name]?.setOpacity(this.shown.has(name) ? opacity : 0);
  }

  /** Show digital completions hatched, or as they are. */
  tratteggio(on) {
    this.after = on ? "tratteggio" : "after";
    return this.next(() => this.put("after"));
  }

  /** Window and level; null is neutral. */
  level(levels) {
    this.levels = levels;
    return this.next(() => this.levels === levels && this.load(["before", "after"]));
  }

  /** A decision changed what is to be seen: once what is under way is there, load the latest. */
  refresh(revision) {
    this.revision = revision;
    this.stale = true;
    return this.next(async () => {
      if (!this.stale) return;
      this.stale = false;
      await this.load(["after", ...this.shown]);
    });
  }

  /** Views from afar of a large picture are a first look until an overview is made: ask, and load anew. */
  async ripen() {
    for (let first = true; ; first = false) {
      const answer = await fetch(this.scene.readiness, { credentials: "same-origin" });
      if (!answer.ok) return;
      const { ready, fault } = await answer.json();
      if (fault) throw new Error(fault);
      if (ready) {
        this.turn = 1;
        if (!first) await this.next(() => this.load(["before", "after", ...this.shown]));
        return;
      }
      await new Promise((done) => setTimeout(done, RIPENING));
    }
  }

  /** Load pictures again. */
  load(names) {
    return Promise.all(names.map((name) => this.put(name)));
  }

  /** Do something once all that was begun before is done. */
  next(what) {
    this.work = this.work.catch(() => {}).then(what);
    return this.work;
  }

  /** Zoom so that a region fills a good part of the view. */
  show([y0, x0, y1, x1]) {
    const least = 300 / ratio();
    const [width, height] = [x1 - x0, y1 - y0];
    const pad = Math.max(least - width, least - height, width * 0.6, height * 0.6) / 2;
    const rect = new OSD.Rect(x0 - pad, y0 - pad, width + 2 * pad, height + 2 * pad);
    this.osd.viewport.fitBoundsWithConstraints(this.items.before.imageToViewportRectangle(rect));
  }

  /** One pixel of the file on one of the screen. */
  pixels() {
    this.osd.viewport.zoomTo(this.items.before.imageToViewportZoom(1 / ratio()));
  }

  /** Zoom in (over 1) or out. */
  zoom(factor) {
    this.osd.viewport.zoomBy(factor);
    this.osd.viewport.applyConstraints();
  }

  /** Move the view by shares of its width and height. */
  pan(x, y) {
    const { width, height } = this.osd.viewport.getBounds();
    this.osd.viewport.panBy(new OSD.Point(x * width, y * height));
    this.osd.viewport.applyConstraints();
  }

  /** The whole picture. */
  home() {
    this.osd.viewport.goHome();
  }
}
