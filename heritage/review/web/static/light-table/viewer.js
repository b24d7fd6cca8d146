// Deep zoom of before and after, one over the other; what is shown of them is decided here.

const OSD = window.OpenSeadragon;
const OVERLAYS = ["mask", "difference", "uncertainty"];

/** The tile source of a picture of the service, with what its tiles' addresses carry besides. */
async function source(address, query, format) {
  const answer = await fetch(`${address}/info.json`, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const info = await answer.json();
  const made = new OSD.IIIFTileSource({ ...info, tileFormat: format });
  const plain = made.getTileUrl.bind(made);
  made.getTileUrl = (level, x, y) => {
    const url = plain(level, x, y);
    const more = query();
    return more ? `${url}?${more}` : url;
  };
  return made;
}

function make(id) {
  return new OSD.Viewer({
    id,
    drawer: "canvas",
    showNavigationControl: false,
    keyboardNavEnabled: false,
    animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
    maxZoomPixelRatio: 8,
    visibilityRatio: 0.5,
    minZoomImageRatio: 0.6,
    imageLoaderLimit: 8,
    timeout: 120000,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    subPixelRoundingForTransparency: OSD.SUBPIXEL_ROUNDING_OCCURRENCES.ALWAYS,
    // one pixel of the file stays one square when looked at closely
    imageSmoothingEnabled: true,
  });
}

export class Viewer {
  /** @param {object} scene what the page was told of the restoration */
  constructor(scene) {
    this.scene = scene;
    this.revision = scene.revision;
    this.levels = { low: 0, high: 1, gamma: 1 };
    this.after = "after";
    this.shown = new Set();
    this.opacity = 0.7;
    this.share = 0.5;
    this.items = {};
    this.turn = 0;
    this.work = Promise.resolve();
    this.osd = make("lt-main");
    this.osd.addHandler("update-viewport", () => this.clip());
    this.osd.addHandler("resize", () => this.clip());
  }

  /** Load before and after, and go to the whole picture. */
  async open() {
    await this.put("before", 0);
    await this.put("after", 1);
    this.osd.viewport.goHome(true);
    this.clip();
  }

  query(view) {
    const said = new URLSearchParams();
    if (view !== "before") said.set("r", this.revision);
    if (this.turn) said.set("t", this.turn); // not what the browser kept of the first look
    const { low, high, gamma } = this.levels;
    if (!OVERLAYS.includes(view) && (low !== 0 || high !== 1 || gamma !== 1)) {
      said.set("low", low.toFixed(2));
      said.set("high", high.toFixed(2));
      said.set("gamma", gamma.toFixed(2));
    }
    return said.toString();
  }

  /** Put a picture at its place, over what was there, and wait until it is. */
  async put(name, index) {
    const view = name === "after" ? this.after : name;
    const overlay = OVERLAYS.includes(name);
    const fixed = this.query(view);
    const tiles = await source(this.scene.images[view], () => fixed, overlay ? "png" : "jpg");
    await new Promise((done, fail) => {
      this.osd.addTiledImage({
        tileSource: tiles,
        opacity: overlay ? this.opacity : 1,
        success: (event) => {
          const old = this.items[name];
          this.items[name] = event.item;
          if (index !== undefined) this.osd.world.setItemIndex(event.item, Math.min(index, this.osd.world.getItemCount() - 1));
          if (old) this.osd.world.removeItem(old);
          this.clip();
          done();
        },
        error: (event) => fail(new Error(event.message)),
      });
    });
  }

  /** Show the after-picture on the right of the divider only. */
  clip() {
    const after = this.items.after;
    if (!after || !this.osd.viewport) return;
    const size = after.getContentSize();
    const edge = new OSD.Point(this.osd.container.clientWidth * this.share, 0);
    const x = after.viewportToImageCoordinates(this.osd.viewport.pointFromPixel(edge, true)).x;
    const from = Math.min(Math.max(x, 0), size.x);
    after.setClip(from <= 0 ? null : new OSD.Rect(from, 0, Math.max(size.x - from, 0.001), size.y));
    after.setOpacity(from >= size.x ? 0 : 1);
  }

  /** Move the divider; 0 shows after only, 1 before only. */
  swipe(share) {
    this.share = Math.min(Math.max(share, 0), 1);
    this.clip();
  }

  /** Show or hide an overlay. */
  async overlay(name, on) {
    if (on) {
      this.shown.add(name);
      await this.put(name);
    } else {
      this.shown.delete(name);
      if (this.items[name]) this.osd.world.removeItem(this.items[name]);
      delete this.items[name];
    }
  }

  /** How strongly overlays cover, 0..1. */
  cover(opacity) {
    this.opacity = opacity;
    for (const name of this.shown) this.items[name]?.setOpacity(opacity);
  }

  /** Show fills hatched, or as they are. */
  async tratteggio(on) {
    this.after = on ? "tratteggio" : "after";
    await this.put("after", 1);
  }

  /** Window and level: both pictures anew. */
  level(levels) {
    this.levels = levels;
    return this.anew();
  }

  /** Views from afar of a large picture are a first look, until an overview is made: ask, and load them anew. */
  async ripen() {
    const again = () => new Promise((done) => setTimeout(done, 2000));
    for (let first = true; ; first = false) {
      const answer = await fetch(this.scene.readiness, { credentials: "same-origin" });
      if (!answer.ok) return;
      const { ready, fault } = await answer.json();
      if (fault) throw new Error(fault);
      if (ready) {
        this.turn = 1;
        if (!first) await this.anew();
        return;
      }
      await again();
    }
  }

  /** Load all pictures again. */
  anew() {
    this.work = this.work.catch(() => {}).then(async () => {
      await this.put("before", 0);
      await this.put("after", 1);
      for (const name of this.shown) await this.put(name);
    });
    return this.work;
  }

  /** A decision changed what is to be seen: once what is under way is there, load the latest. */
  refresh(revision) {
    this.revision = revision;
    this.work = this.work.catch(() => {}).then(async () => {
      if (revision !== this.revision) return; // another decision came after it
      await this.put("after", 1);
      for (const name of this.shown) await this.put(name);
    });
    return this.work;
  }

  /** Zoom so that a region fills a good part of the view. */
  show(box) {
    const [y0, x0, y1, x1] = box;
    const least = 300 / Math.max(window.devicePixelRatio, 1);
    const pad = Math.max(least - (x1 - x0), least - (y1 - y0), (x1 - x0) * 0.6, (y1 - y0) * 0.6, 0) / 2;
    const item = this.items.before;
    const rect = new OSD.Rect(x0 - pad, y0 - pad, x1 - x0 + 2 * pad, y1 - y0 + 2 * pad);
    this.osd.viewport.fitBoundsWithConstraints(item.imageToViewportRectangle(rect));
  }

  /** One pixel of the file on one of the screen. */
  pixels() {
    const zoom = this.items.before.imageToViewportZoom(1 / Math.max(window.devicePixelRatio, 1));
    this.osd.viewport.zoomTo(zoom);
  }

  /** Zoom in (over 1) or out. */
  zoom(factor) {
    this.osd.viewport.zoomBy(factor);
    this.osd.viewport.applyConstraints();
  }

  /** The whole picture. */
  home() {
    this.osd.viewport.goHome();
  }
}

/** A second picture whose view follows the first, and leads it. */
export class Beside {
  constructor(first) {
    this.first = first;
    this.osd = null;
    this.moving = false;
  }

  /** Show an alternative, or nothing. */
  async show(one) {
    const place = document.getElementById("lt-second");
    place.hidden = !one;
    if (!one) return;
    if (!this.osd) {
      this.osd = make("lt-other");
      const follow = (from, to) => () => {
        if (this.moving || !to.world.getItemCount()) return;
        this.moving = true;
        to.viewport.zoomTo(from.viewport.getZoom(), null, true);
        to.viewport.panTo(from.viewport.getCenter(), true);
        this.moving = false;
      };
      for (const event of ["zoom", "pan"]) {
        this.first.addHandler(event, follow(this.first, this.osd));
        this.osd.addHandler(event, follow(this.osd, this.first));
      }
    }
    const link = document.getElementById("lt-other-link");
    link.textContent = one.label;
    link.href = one.url;
    const tiles = await source(one.after, () => "", "jpg");
    this.osd.open(tiles);
    this.osd.addOnceHandler("open", () => {
      this.osd.viewport.zoomTo(this.first.viewport.getZoom(), null, true);
      this.osd.viewport.panTo(this.first.viewport.getCenter(), true);
    });
  }
}
