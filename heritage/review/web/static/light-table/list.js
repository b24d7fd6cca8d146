// The list of regions, riskiest first, a hundred at a time.

const PAGE = 100;

export class List {
  /** @param {(region: object) => void} choose called when somebody picks a region */
  constructor(regions, words, choose) {
    this.words = words;
    this.choose = choose;
    this.all = [...regions].sort((a, b) => b.risk - a.risk || a.number - b.number);
    this.only = "all";
    this.page = 0;
    this.selected = null;
    this.place = document.getElementById("lt-list");
  }

  matches(region) {
    if (this.only === "all") return true;
    if (this.only === "back") return ["rejected", "do not fill"].includes(region.decision);
    return region.decision === this.only;
  }

  /** The regions that are listed now, in order. */
  get listed() {
    return this.all.filter((region) => this.matches(region));
  }

  /** List others. */
  narrow(only) {
    this.only = only;
    this.page = 0;
    this.draw();
  }

  /** Go some pages on. */
  turn(by) {
    const pages = Math.max(1, Math.ceil(this.listed.length / PAGE));
    this.page = Math.min(Math.max(this.page + by, 0), pages - 1);
    this.draw();
  }

  /** The region after (1) or before (-1) the selected one; it may have left the list meanwhile. */
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
    const at = this.listed.indexOf(region);
    if (at >= 0) this.page = Math.floor(at / PAGE);
    this.draw();
    this.place.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  draw() {
    const { words } = this;
    const listed = this.listed;
    const first = this.page * PAGE;
    const rows = listed.slice(first, first + PAGE).map((region) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.decision = region.decision;
      if (region === this.selected) button.setAttribute("aria-current", "true");
      const name = document.createElement("span");
      name.textContent = `${words.region} ${region.number}`;
      const kind = document.createElement("span");
      kind.className = "muted";
      kind.textContent = words.kinds[region.kind] ?? "";
      const decision = document.createElement("span");
      decision.className = "lt-mark";
      decision.textContent = words[region.decision];
      button.append(name, kind, decision);
      button.addEventListener("click", () => this.choose(region));
      row.append(button);
      return row;
    });
    this.place.replaceChildren(...rows);
    const count = document.getElementById("lt-count");
    const shown = { from: first + 1, to: Math.min(first + PAGE, listed.length), count: listed.length };
    count.textContent = listed.length ? fill(words.shown, shown) : words.none;
  }
}

/** A sentence with its gaps filled. */
export function fill(sentence, facts) {
  return sentence.replace(/\{(\w+)\}/g, (gap, name) => facts[name] ?? gap);
}
