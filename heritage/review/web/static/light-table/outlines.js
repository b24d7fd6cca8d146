// Frames around regions, drawn over the picture; the selected one stands out.

import { element } from "./page.js";

const MOST = 2000;
const SMALLEST = 3;
const ROOM_FOR_NUMBER = 28;
// told apart by form as well: dashes for undecided, dots for taken back, and a sign beside the number
const LOOKS = {
  pending: { colour: "#ffd23f", dash: [5, 3], sign: "" },
  approved: { colour: "#6ccbff", dash: [], sign: " ✓" },
  rejected: { colour: "#ff8a6b", dash: [2, 3], sign: " ✕" },
  "do not fill": { colour: "#ff8a6b", dash: [2, 3], sign: " ⊘" },
};

/** The canvas over the picture. */
export class Outlines {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer, regions) {
    this.viewer = viewer;
    this.regions = [...regions].sort((a, b) => b.area - a.area);
    this.selected = null;
    this.on = true;
    this.canvas = element("lt-outlines");
    viewer.osd.addHandler("update-viewport", () => this.draw());
    viewer.osd.addHandler("resize", () => this.draw());
  }

  /** Show all, or the selected one only. */
  show(on) {
    this.on = on;
    this.draw();
  }

  /** Mark a region, or none. */
  select(region) {
    this.selected = region;
    this.draw();
  }

  /** Draw what is in view, the largest where there are very many. */
  draw() {
    const pen = this.blank();
    const item = this.viewer.items.before;
    if (!item || !this.viewer.osd.viewport) return;
    const place = this.placing(item);
    if (this.on) this.drawAll(pen, place);
    if (this.selected) frame(pen, this.selected, place(this.selected), true);
  }

  drawAll(pen, place) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    let drawn = 0;
    for (const region of this.regions) {
      if (region === this.selected) continue;
      const [x, y, w, h] = place(region);
      const seen = x <= width && y <= height && x + w >= 0 && y + h >= 0;
      if (!seen || Math.max(w, h) < SMALLEST) continue;
      frame(pen, region, [x, y, w, h], false);
      drawn += 1;
      if (drawn >= MOST) return;
    }
  }

  /** An empty canvas as sharp as the screen. */
  blank() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide) canvas.width = wide;
    if (canvas.height !== high) canvas.height = high;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  }

  /** How regions come to be at x, y, width, height of the canvas. */
  placing(item) {
    const { viewport } = this.viewer.osd;
    const at = (x) => viewport.pixelFromPoint(item.imageToViewportCoordinates(x, 0, true), true);
    const origin = at(0);
    const scale = (at(1000).x - origin.x) / 1000;
    return ({ box: [y0, x0, y1, x1] }) => [
      origin.x + x0 * scale, origin.y + y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale,
    ];
  }

  /** The smallest region under a point of the picture, or near it. */
  under(x, y, slack) {
    const near = ({ box: [y0, x0, y1, x1] }) =>
      x >= x0 - slack && x <= x1 + slack && y >= y0 - slack && y <= y1 + slack;
    return this.regions.findLast(near) ?? null;
  }
}

function frame(pen, region, [x, y, width, height], selected) {
  const look = LOOKS[region.decision];
  const pad = selected ? 5 : 2;
  const box = [x - pad, y - pad, width + 2 * pad, height + 2 * pad];
  pen.setLineDash(selected ? [] : look.dash);
  pen.lineWidth = selected ? 5 : 2.5;
  pen.strokeStyle = "rgba(0, 0, 0, .6)";
  pen.strokeRect(...box);
  pen.lineWidth = selected ? 2 : 1.25;
  pen.strokeStyle = look.colour;
  pen.strokeRect(...box);
  if (selected || Math.max(width, height) >= ROOM_FOR_NUMBER) number(pen, region, look, box, selected);
}

function number(pen, region, look, [x, y, , height], selected) {
  const text = `${region.number}${look.sign}`;
  const high = selected ? 18 : 15;
  pen.setLineDash([]);
  pen.font = `${selected ? "600 13px" : "11px"} system-ui, sans-serif`;
  const wide = pen.measureText(text).width + 8;
  // above the frame, or under it where the picture's edge would cut it off
  const top = y - high >= 0 ? y - high : y + height;
  pen.fillStyle = selected ? look.colour : "rgba(0, 0, 0, .75)";
  pen.fillRect(x - 1, top, wide, high);
  pen.fillStyle = selected ? "#111" : look.colour;
  pen.fillText(text, x + 3, top + high - 4);
}
