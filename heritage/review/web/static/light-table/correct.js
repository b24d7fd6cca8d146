// Correcting the mask by hand: brush, eraser and polygon over the picture, handed in as strokes.

import { all, element, failed, fill, pressed, say, scene, words } from "./page.js";

const COLOURS = { true: "rgba(227, 66, 52, .55)", false: "rgba(90, 200, 250, .55)" };
const STEP = 1.25;

/** The canvas to draw on, and its tools. */
export class Correction {
  /**
   * @param {import("./viewer.js").Viewer} viewer
   * @param {import("./api.js").Catalogue} catalogue
   */
  constructor(viewer, catalogue) {
    this.viewer = viewer;
    this.catalogue = catalogue;
    this.strokes = [];
    this.open = null;
    this.tool = "brush";
    this.canvas = element("lt-correct");
    this.bar = element("lt-tools");
    if (!this.canvas) return;
    viewer.osd.addHandler("update-viewport", () => this.draw());
    viewer.osd.addHandler("resize", () => this.draw());
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.go(event));
    this.canvas.addEventListener("pointerup", () => this.end());
    this.canvas.addEventListener("dblclick", () => this.close());
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.bar.addEventListener("click", (event) => this.press(event.target.closest("button")));
  }

  /** Whether somebody draws now. */
  get active() {
    return !this.canvas.hidden;
  }

  /** Begin or stop to draw; what was drawn stays until it is handed in or thrown away. */
  toggle() {
    this.canvas.hidden = !this.canvas.hidden;
    this.bar.hidden = this.canvas.hidden;
    pressed(document.querySelector("[data-do=correct]"), this.active);
    this.choose(this.tool);
    this.draw();
    if (this.active) this.bar.querySelector("button").focus();
  }

  press(button) {
    if (!button) return;
    const { tool, correct } = button.dataset;
    if (tool) this.choose(tool);
    else if (correct === "back") this.back();
    else if (correct === "away") this.away();
    else if (correct === "in") this.handIn();
  }

  choose(tool) {
    this.close();
    this.tool = tool;
    for (const button of all("[data-tool]")) pressed(button, button.dataset.tool === tool);
  }

  /** A place of the page in pixels of the picture. */
  at(event) {
    const frame = this.canvas.getBoundingClientRect();
    const point = new window.OpenSeadragon.Point(event.clientX - frame.left, event.clientY - frame.top);
    const { x, y } = this.viewer.items.before.viewportToImageCoordinates(
      this.viewer.osd.viewport.pointFromPixel(point, true),
    );
    return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
  }

  /** Pixels of the page for one of the picture. */
  get scale() {
    const zoom = this.viewer.osd.viewport.getZoom(true);
    return this.viewer.items.before.viewportToImageZoom(zoom);
  }

  begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    const point = this.at(event);
    if (this.tool === "polygon") {
      this.open ??= { adds: true, width: 0, points: [] };
      this.open.points.push(point);
    } else {
      const width = Number(element("lt-brush").value) / this.scale;
      this.open = { adds: this.tool === "brush", width: Math.max(1, Math.round(width)), points: [point] };
    }
    this.draw();
  }

  go(event) {
    if (!this.open || this.tool === "polygon" || !this.canvas.hasPointerCapture(event.pointerId)) return;
    this.open.points.push(this.at(event));
    this.draw();
  }

  end() {
    if (this.open && this.tool !== "polygon") this.keep();
  }

  /** Close the polygon that is being drawn. */
  close() {
    if (this.open && this.tool === "polygon" && this.open.points.length > 2) this.keep();
    this.open = null;
    this.draw();
  }

  keep() {
    this.strokes.push(this.open);
    this.open = null;
    this.draw();
  }

  /** Take back the last stroke, or the last corner. */
  back() {
    if (this.open) this.open.points.pop();
    else this.strokes.pop();
    if (this.open?.points.length === 0) this.open = null;
    this.draw();
  }

  away() {
    this.strokes = [];
    this.open = null;
    this.draw();
  }

  wheel(event) {
    event.preventDefault();
    const frame = this.canvas.getBoundingClientRect();
    const point = new window.OpenSeadragon.Point(event.clientX - frame.left, event.clientY - frame.top);
    const { viewport } = this.viewer.osd;
    viewport.zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, viewport.pointFromPixel(point, true));
    viewport.applyConstraints();
  }

  /** Hand in what was drawn; another restoration is made with it. */
  async handIn() {
    this.close();
    if (!this.strokes.length) return;
    try {
      const said = await this.catalogue.post(scene.correct, { strokes: this.strokes });
      this.away();
      this.toggle();
      const sentence = fill(words.corrected, { added: said.added, removed: said.removed });
      say(sentence, { words: words.orders, address: said.master });
    } catch {
      failed(); // what was drawn stays
    }
  }

  draw() {
    if (!this.canvas || this.canvas.hidden) return;
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const item = this.viewer.items.before;
    if (!item) return;
    const { viewport } = this.viewer.osd;
    const pixel = ([x, y]) => viewport.pixelFromPoint(item.imageToViewportCoordinates(x, y, true), true);
    for (const stroke of this.open ? [...this.strokes, this.open] : this.strokes) {
      paint(pen, stroke, stroke.points.map(pixel), this.scale);
    }
    const drawn = this.strokes.length > 0;
    for (const button of all("[data-correct]")) button.disabled = !drawn && !this.open;
  }
}

function paint(pen, stroke, points, scale) {
  pen.beginPath();
  for (const { x, y } of points) pen.lineTo(x, y);
  pen.strokeStyle = pen.fillStyle = COLOURS[stroke.adds];
  pen.lineJoin = pen.lineCap = "round";
  if (stroke.width === 0) {
    pen.closePath();
    pen.fill();
    pen.lineWidth = 1.5;
  } else {
    if (points.length === 1) pen.lineTo(points[0].x + 0.01, points[0].y);
    pen.lineWidth = Math.max(1, stroke.width * scale);
  }
  pen.stroke();
}
