// The light table: wires pictures, outlines, list and catalogue to buttons and keys.

import { Catalogue, Conflict, Ended, Forbidden, Frozen, Nothing } from "./api.js";
import { fill, List } from "./list.js";
import { Outlines } from "./outlines.js";
import { Beside, Viewer } from "./viewer.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const element = (id) => document.getElementById(id);
const scene = read("scene");
const words = read("words");
const table = element("light-table");
const viewer = new Viewer(scene);
const outlines = new Outlines(viewer, scene.regions);
const list = new List(scene.regions, words, (region) => choose(region, true));
const catalogue = new Catalogue(scene);
const beside = new Beside(viewer.osd);
const divider = element("lt-divider");
const note = element("lt-note");
let current = null;
let asked = Promise.resolve();

function say(sentence) {
  element("lt-say").textContent = sentence;
}

function swipe(share) {
  viewer.swipe(share);
  const shown = Math.round(viewer.share * 100);
  divider.style.left = `${viewer.share * 100}%`;
  divider.setAttribute("aria-valuenow", String(shown));
  divider.setAttribute("aria-valuetext", fill(words.position, { share: shown }));
  table.querySelector(".lt-before").hidden = viewer.share < 0.08;
  table.querySelector(".lt-after").hidden = viewer.share > 0.92;
  for (const button of table.querySelectorAll("[data-swipe]")) {
    button.setAttribute("aria-pressed", String(Math.abs(Number(button.dataset.swipe) - viewer.share) < 0.005));
  }
}

function choose(region, move) {
  current = region;
  outlines.selected = region;
  list.select(region);
  tell();
  note.value = region?.note ?? "";
  if (region && move) viewer.show(region.box);
  outlines.draw();
}

function tell() {
  const region = current;
  element("lt-title").textContent = region ? `${words.region} ${region.number} ${words.of} ${scene.regions.length}` : words.none;
  const facts = [];
  if (region) {
    facts.push(`${region.area.toLocaleString()} ${words.pixels}`);
    if (region.kind) facts.push(words.kinds[region.kind] ?? region.kind);
    if (region.confidence !== null) facts.push(`${words.confidence} ${Math.round(region.confidence * 100)} %`);
    facts.push(`${words.risk} ${Math.round(region.risk * 100)} %`);
  }
  element("lt-facts").textContent = facts.join(" · ");
  const decided = region?.by ? ` ${words.by} ${region.by}, ${when(region.at)}` : "";
  const place = element("lt-decision");
  place.textContent = region ? words[region.decision] + decided : "";
  place.dataset.decision = region?.decision ?? "";
  for (const button of table.querySelectorAll("[data-decide]")) {
    button.setAttribute("aria-pressed", String(button.dataset.decide === region?.decision));
  }
}

function when(moment) {
  return moment ? new Date(moment).toLocaleString(document.documentElement.lang) : "";
}

function take(regions, revision) {
  const known = new Map(scene.regions.map((region) => [region.number, region]));
  for (const region of regions) Object.assign(known.get(region.number), region);
  list.draw();
  tell();
  outlines.draw();
  if (revision !== viewer.revision) viewer.refresh(revision).catch(() => say(words.failed));
}

/** Do one thing with the catalogue after the other, and say what stood in the way. */
function ask(what) {
  if (!scene.may_decide) return;
  asked = asked.then(what).catch((error) => {
    const told = [[Ended, words.ended], [Forbidden, words.forbidden], [Frozen, words.frozen], [Nothing, words.nothing]];
    say(told.find(([kind]) => error instanceof kind)?.[1] ?? words.failed);
  });
}

async function decide(decision) {
  const region = current;
  if (!region) return;
  const text = note.value;
  let answer;
  try {
    answer = await catalogue.decide(region, decision, text, false);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    take([error.region], viewer.revision);
    if (!(await confirmed(error.region))) return;
    answer = await catalogue.decide(region, decision, text, true);
  }
  say(fill(words.saved, { number: region.number, decision: words[decision] }));
  const following = list.step(1);
  take([answer.region], answer.revision);
  if (following && region === current) choose(following, true);
}

function confirmed(region) {
  const dialog = element("lt-conflict");
  const facts = { person: region.by ?? "?", decision: words[region.decision], number: region.number, when: when(region.at) };
  element("lt-conflict-words").textContent = fill(words.conflict, facts);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}

async function approveRest() {
  const waiting = scene.regions.filter((region) => region.decision === "pending");
  if (!waiting.length) return;
  const answer = await catalogue.decideMany(waiting, "approved");
  take([...answer.regions, ...answer.refused], answer.revision);
  const said = fill(words.savedMany, { count: answer.regions.length, decision: words.approved });
  say(answer.refused.length ? `${said} ${fill(words.refused, { count: answer.refused.length })}` : said);
}

async function undo() {
  const answer = await catalogue.undo();
  take([...answer.regions, ...answer.refused], answer.revision);
  say(words.undone);
  const region = scene.regions.find((one) => one.number === answer.region.number);
  if (region) choose(region, true);
}

function toggle(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  const what = button.dataset.toggle;
  if (what === "outlines") {
    outlines.on = on;
    outlines.draw();
  } else if (what === "tratteggio") {
    viewer.tratteggio(on).catch(() => say(words.failed));
  } else {
    viewer.overlay(what, on).catch(() => say(words.failed));
  }
}

let levelling;
function level() {
  const low = Number(element("lt-low").value) / 100;
  const high = Math.max(Number(element("lt-high").value) / 100, low + 0.01);
  const gamma = Number(element("lt-gamma").value) / 100;
  clearTimeout(levelling);
  levelling = setTimeout(() => viewer.level({ low, high, gamma }).catch(() => say(words.failed)), 150);
}

function neutral() {
  element("lt-low").value = "0";
  element("lt-high").value = "100";
  element("lt-gamma").value = "100";
  level();
}

const actions = {
  blink: () => swipe(viewer.share > 0 ? 0 : 1),
  in: () => viewer.zoom(1.6),
  out: () => viewer.zoom(1 / 1.6),
  pixels: () => viewer.pixels(),
  home: () => viewer.home(),
  neutral,
  help: () => element("lt-help").showModal(),
  next: () => step(1),
  previous: () => step(-1),
  show: () => current && viewer.show(current.box),
  undo: () => ask(undo),
  rest: () => ask(approveRest),
  earlier: () => list.turn(-1),
  later: () => list.turn(1),
};

function step(by) {
  const region = list.step(by);
  if (region) choose(region, true);
}

const keys = {
  j: actions.next, n: actions.next, k: actions.previous, p: actions.previous,
  a: () => ask(() => decide("approved")),
  r: () => ask(() => decide("rejected")),
  d: () => ask(() => decide("do not fill")),
  u: actions.undo, z: actions.show, 0: actions.home, b: actions.blink, "?": actions.help,
  m: () => toggle(table.querySelector("[data-toggle=mask]")),
  x: () => toggle(table.querySelector("[data-toggle=difference]")),
  t: () => toggle(table.querySelector("[data-toggle=tratteggio]")),
};

table.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { swipe: share, toggle: what, decide: decision } = button.dataset;
  if (share !== undefined) swipe(Number(share));
  else if (what !== undefined) toggle(button);
  else if (decision !== undefined) ask(() => decide(decision));
  else if (button.dataset.do !== undefined) actions[button.dataset.do]();
});

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input:not([type=range]), textarea, select, dialog");
  if (writing || event.altKey || event.metaKey || event.repeat) return;
  if (event.ctrlKey) {
    if (event.key === "z") {
      event.preventDefault();
      actions.undo();
    }
    return;
  }
  const act = element("lt-keys").checked ? keys[event.key.toLowerCase()] : undefined;
  if (act) {
    event.preventDefault();
    act();
  }
});

divider.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 }[event.key];
  const to = { Home: 0, End: 1 }[event.key];
  if (by === undefined && to === undefined) return;
  event.preventDefault();
  swipe(to ?? viewer.share + by);
});

divider.addEventListener("pointerdown", (event) => {
  divider.setPointerCapture(event.pointerId);
  const move = (moved) => {
    const frame = divider.parentElement.getBoundingClientRect();
    swipe((moved.clientX - frame.left) / frame.width);
  };
  divider.addEventListener("pointermove", move);
  divider.addEventListener("lostpointercapture", () => divider.removeEventListener("pointermove", move), { once: true });
});

viewer.osd.addHandler("canvas-click", (event) => {
  if (!event.quick || !viewer.items.before) return;
  const point = viewer.items.before.viewportToImageCoordinates(viewer.osd.viewport.pointFromPixel(event.position));
  const region = outlines.under(point.x, point.y, 4 / viewer.items.before.viewportToImageZoom(viewer.osd.viewport.getZoom(true)));
  if (region) choose(region, false);
});

element("lt-opacity").addEventListener("input", (event) => viewer.cover(Number(event.target.value) / 100));
element("lt-only").addEventListener("change", (event) => list.narrow(event.target.value));
for (const id of ["lt-low", "lt-high", "lt-gamma"]) element(id).addEventListener("input", level);
element("lt-beside")?.addEventListener("change", (event) => {
  const one = event.target.value === "" ? null : scene.alternatives[Number(event.target.value)];
  beside.show(one).catch(() => say(words.failed));
});

const wanted = scene.regions.find((region) => region.number === scene.selected);
try {
  await viewer.open();
  swipe(0.5);
  choose(wanted ?? list.step(1), wanted !== undefined);
  table.dataset.ready = "true";
  viewer.ripen().catch((error) => say(error.message));
} catch {
  say(words.failed);
}
