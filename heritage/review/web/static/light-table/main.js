// The light table: wires pictures, outlines, list and catalogue to buttons and keys.

import { Catalogue } from "./api.js";
import { Beside } from "./beside.js";
import { Correction } from "./correct.js";
import { Decisions } from "./decisions.js";
import { listen, steer } from "./keyboard.js";
import { Levels } from "./levels.js";
import { List } from "./list.js";
import { Outlines } from "./outlines.js";
import { Overlays } from "./overlays.js";
import { element, failed, say, scene } from "./page.js";
import { Panel } from "./panel.js";
import { Swipe } from "./swipe.js";
import { Viewer } from "./viewer.js";

// how far from a region a click still means it, in pixels of the page
const SLACK = 4;
const table = element("light-table");
const regions = new Map(scene.regions.map((region) => [region.number, region]));
const viewer = new Viewer(scene);
const outlines = new Outlines(viewer, scene.regions);
const overlays = new Overlays(viewer, outlines);
const swipe = new Swipe(viewer);
const beside = new Beside(viewer);
const levels = new Levels((said) => Promise.all([viewer.level(said), beside.anew()]));
const panel = new Panel();
const list = new List(scene.regions, (region) => choose(region, true));
const catalogue = new Catalogue(scene);
const correction = new Correction(viewer, catalogue);
const decisions = new Decisions(catalogue, {
  take,
  onward,
  sent: (region, text) => panel.sent(region, text),
  choose: (number) => choose(regions.get(number), true),
});
let remembering = null;

/** Turn to a region, and zoom to it if told so. */
function choose(region, move) {
  panel.show(region);
  list.select(region);
  outlines.select(region);
  if (!region) return;
  remember(region);
  if (move) viewer.show(region.box);
}

/** The page's address leads back to the region; browsers allow only so many changes in a time. */
function remember(region) {
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, "", `?region=${region.number}`), 400);
}

/** Regions as the catalogue has them now, and the revision of the pictures that goes with them. */
function take(changed, revision) {
  const differs = changed.some((region) => backed(region) !== backed(regions.get(region.number)));
  for (const region of changed) Object.assign(regions.get(region.number), region);
  list.draw();
  panel.tell();
  outlines.draw();
  // approving changes no pixel: unless others decided as well, what is shown stays right
  if (differs || revision > viewer.revision + 1) viewer.refresh(revision).catch(failed);
  else viewer.revision = revision;
}

/** Whether a region shows the master's own pixels. */
const backed = ({ decision }) => decision === "rejected" || decision === "do not fill";

/** Take in what was decided, and go on to the next region unless somebody went elsewhere meanwhile. */
function onward(region, takeIn) {
  const following = list.step(1);
  takeIn();
  if (region !== panel.region) return;
  if (following) choose(following, true);
  else panel.show(region);
}

function step(by) {
  const region = list.step(by);
  if (region) choose(region, true);
}

function decide(decision) {
  if (panel.region) decisions.decide(panel.region, decision, panel.note.value);
}

const actions = {
  blink: () => swipe.blink(),
  in: () => viewer.zoom(1.6),
  out: () => viewer.zoom(1 / 1.6),
  pixels: () => viewer.pixels(),
  home: () => viewer.home(),
  neutral: () => levels.neutral(),
  help: () => element("lt-help").showModal(),
  next: () => step(1),
  previous: () => step(-1),
  show: () => panel.region && viewer.show(panel.region.box),
  correct: () => correction.toggle(),
  undo: () => decisions.undo(),
  rest: () => decisions.approveRest(),
  earlier: () => list.turn(-1),
  later: () => list.turn(1),
};

table.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { swipe: share, toggle: name, decide: decision, do: action } = button.dataset;
  if (share !== undefined) swipe.to(Number(share));
  else if (name !== undefined) overlays.toggle(name);
  else if (decision !== undefined) decide(decision);
  else if (action !== undefined) actions[action]();
});

listen({
  j: actions.next, n: actions.next, k: actions.previous, p: actions.previous,
  a: () => decide("approved"), r: () => decide("rejected"), d: () => decide("do not fill"),
  u: actions.undo, e: () => panel.note.focus(), z: actions.show,
  0: actions.home, "+": actions.in, "=": actions.in, "-": actions.out,
  1: () => swipe.to(1), 2: () => swipe.to(0.5), 3: () => swipe.to(0), b: actions.blink,
  o: () => overlays.toggle("outlines"), m: () => overlays.toggle("mask"),
  x: () => overlays.toggle("difference"), t: () => overlays.toggle("tratteggio"),
  "?": actions.help,
}, actions.undo);
steer(viewer.osd.canvas, (x, y) => viewer.pan(x, y));

viewer.osd.addHandler("canvas-click", (event) => {
  const item = viewer.items.before;
  if (!event.quick || !item) return;
  const point = item.viewportToImageCoordinates(viewer.osd.viewport.pointFromPixel(event.position));
  const zoom = item.viewportToImageZoom(viewer.osd.viewport.getZoom(true));
  const region = outlines.under(point.x, point.y, SLACK / zoom);
  if (region) choose(region, false);
});

try {
  await viewer.open();
  swipe.to(0.5);
  const wanted = regions.get(scene.selected);
  choose(wanted ?? list.step(1), wanted !== undefined);
  table.dataset.ready = "true";
  viewer.ripen().catch((error) => say(error.message));
} catch {
  failed();
}
