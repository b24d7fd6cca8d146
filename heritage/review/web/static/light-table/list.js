// The list of regions, riskiest first, a hundred at a time.

import { element, fill, percent, words } from "./page.js";

const PAGE = 100;
const RISKY = 0.5;
const FILTERS = {
  all: () => true,
  pending: (region) => region.decision === "pending",
  approved: (region) => region.decision === "approved",
  back: (region) => ["rejected", "do not fill"].includes(region.decision),
  risky: (region) => region.risk >= RISKY,
};

/** Regions as buttons. */
export class List {
  /** @param {(region: object) => void} choose called when somebody picks a region */
  constructor(regions, choose) {
    this.choose = choose;
    this.all = [...regions].sort((a, b) => b.risk - a.risk || a.number - b.number);
    this.matches = FILTERS.all;
    this.page = 0;
    this.selected = null;
    this.place = element("lt-list");
    element("lt-only").addEventListener("change", (event) => this.narrow(event.target.value));
  }

  /** List others. */
  narrow(only) {
    this.matches = FILTERS[only];
    this.page = 0;
    this.draw();
  }

  /** Go some pages on. */
  turn(by) {
    this.page += by;
    this.draw();
    this.place.scrollTop = 0;
  }

  /** The listed region after (1) or before (-1) the selected one, which may have left the list meanwhile. */
  step(by) {
    const at = this.all.indexOf(this.selected);
    for (let i = at + by; i >= 0 && i < this.all.length; i += by) {
      if (this.matches(this.all[i])) return this.all[i];
    }
    return null;
  }

  /** Mark a region and turn to its page. */
  select(region) {
    this.selected = region;
    const at = this.all.filter(this.matches).indexOf(region);
    if (at >= 0) this.page = Math.floor(at / PAGE);
    this.draw();
    this.reveal();
  }

  /** Scroll the list, and only the list, to the selected region. */
  reveal() {
    const row = this.place.querySelector("[aria-current]");
    if (!row) return;
    const [seen, place] = [row.getBoundingClientRect(), this.place.getBoundingClientRect()];
    if (seen.top < place.top) this.place.scrollTop -= place.top - seen.top;
    else if (seen.bottom > place.bottom) this.place.scrollTop += seen.bottom - place.bottom;
  }

  /** Show the page as it is now; who was on a row stays there. */
  draw() {
    const listed = this.all.filter(this.matches);
    const last = Math.max(0, Math.ceil(listed.length / PAGE) - 1);
    this.page = Math.min(Math.max(this.page, 0), last);
    const first = this.page * PAGE;
    const shown = listed.slice(first, first + PAGE);
    const focused = document.activeElement?.dataset.number;
    this.place.replaceChildren(...shown.map((region) => this.row(region)));
    if (focused) this.place.querySelector(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
    element("lt-pages").hidden = last === 0;
    const facts = { from: first + 1, to: first + shown.length, count: listed.length };
    element("lt-count").textContent = listed.length ? fill(words.shown, facts) : words.none;
  }

  row(region) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.decision = region.decision;
    button.dataset.number = region.number;
    if (region === this.selected) button.setAttribute("aria-current", "true");
    const kind = words.kinds[region.kind];
    const facts = `${kind ? `${kind} · ` : ""}${words.risk} ${percent(region.risk)}`;
    button.append(
      part("lt-name", `${words.region} ${region.number}`),
      part("lt-facts", facts),
      part("lt-mark", words[region.decision]),
    );
    button.addEventListener("click", () => this.choose(region));
    row.append(button);
    return row;
  }
}

function part(name, text) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
}
