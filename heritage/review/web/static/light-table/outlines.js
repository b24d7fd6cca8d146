// Frames around regions, drawn over the picture; the selected one stands out.

const MOST = 3000;
const SMALLEST = 3;
// told apart by form as well: dashes for undecided, a cross for taken back
const LOOKS = {
  pending: { colour: "#ffd23f", dash: [6, 4] },
  approved: { colour: "#5cc8ff", dash: [] },
  rejected: { colour: "#ff7a59", dash: [2, 3] },
  "do not fill": { colour: "#ff7a59", dash: [2, 3] },
};

export class Outlines {
  constructor(viewer, regions) {
    this.viewer = viewer;
    this.regions = regions;
    this.selected = null;
    this.on = true;
    this.canvas = document.getElementById("lt-outlines");
    viewer.osd.addHandler("update-viewport", () => this.draw());
    viewer.osd.addHandler("resize", () => this.draw());
  }

  /** Draw what is in view, the largest first where there are very many. */
  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const item = this.viewer.items.before;
    if (!item || !this.viewer.osd.viewport) return;
    const at = (x, y) => {
      const point = item.imageToViewportCoordinates(x, y, true);
      return this.viewer.osd.viewport.pixelFromPoint(point, true);
    };
    const [origin, unit] = [at(0, 0), at(1000, 0)];
    const scale = (unit.x - origin.x) / 1000;
    let drawn = 0;
    for (const region of this.on ? this.regions : []) {
      const [y0, x0, y1, x1] = region.box;
      const [w, h] = [(x1 - x0) * scale, (y1 - y0) * scale];
      if (Math.max(w, h) < SMALLEST || region === this.selected) continue;
      const [left, top] = [origin.x + x0 * scale, origin.y + y0 * scale];
      if (left > width || top > height || left + w < 0 || top + h < 0) continue;
      this.frame(pen, region, left, top, w, h, false);
      if (++drawn >= MOST) break;
    }
    if (this.selected) {
      const [y0, x0, y1, x1] = this.selected.box;
      const [w, h] = [(x1 - x0) * scale, (y1 - y0) * scale];
      this.frame(pen, this.selected, origin.x + x0 * scale, origin.y + y0 * scale, w, h, true);
    }
  }

  frame(pen, region, left, top, width, height, selected) {
    const look = LOOKS[region.decision];
    const pad = selected ? 4 : 2;
    const box = [left - pad, top - pad, width + 2 * pad, height + 2 * pad];
    pen.setLineDash(look.dash);
    pen.lineWidth = selected ? 5 : 3;
    pen.strokeStyle = "rgba(0, 0, 0, .55)";
    pen.strokeRect(...box);
    pen.lineWidth = selected ? 2.5 : 1.25;
    pen.strokeStyle = look.colour;
    pen.strokeRect(...box);
    if (!selected && Math.max(width, height) < 28) return;
    const text = String(region.number);
    pen.setLineDash([]);
    pen.font = `${selected ? "bold 13px" : "11px"} system-ui, sans-serif`;
    const wide = pen.measureText(text).width + 8;
    pen.fillStyle = "rgba(0, 0, 0, .75)";
    pen.fillRect(box[0], box[1] - 16, wide, 16);
    pen.fillStyle = look.colour;
    pen.fillText(text, box[0] + 4, box[1] - 4);
  }

  /** The smallest region under a point of the picture. */
  under(x, y, slack) {
    let best = null;
    for (const region of this.regions) {
      const [y0, x0, y1, x1] = region.box;
      if (x < x0 - slack || x > x1 + slack || y < y0 - slack || y > y1 + slack) continue;
      if (!best || region.area < best.area) best = region;
    }
    return best;
  }
}
