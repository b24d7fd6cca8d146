// Deciding, one thing after the other, and what is said when something stands in the way.

import { Conflict, Ended, Forbidden, Frozen, Nothing } from "./api.js";
import { element, failed, fill, mention, say, scene, when, words } from "./page.js";

/** Takes decisions to the catalogue. */
export class Decisions {
  /**
   * @param {import("./api.js").Catalogue} catalogue
   * @param {{take: Function, sent: Function, onward: Function, choose: Function}} table
   *     told what came of it
   */
  constructor(catalogue, table) {
    this.catalogue = catalogue;
    this.table = table;
    this.asked = Promise.resolve();
    this.deciding = new Set();
  }

  /** Decide on a region as it is shown; while that is under way, keys pressed again mean nothing. */
  decide(region, decision, text) {
    if (this.deciding.has(region)) return;
    this.deciding.add(region);
    const done = () => this.deciding.delete(region);
    this.ask(() => this.decideNow(region, decision, text).finally(done));
  }

  /** Approve all that nobody has decided on. */
  approveRest() {
    this.ask(() => this.approveRestNow());
  }

  /** Take back the last decision. */
  undo() {
    this.ask(() => this.undoNow());
  }

  ask(what) {
    if (scene.may_decide) this.asked = this.asked.then(what).catch(explain);
  }

  async decideNow(region, decision, text) {
    const answer = await this.settled(region, decision, text);
    if (!answer) return;
    mention(fill(words.saved, { number: region.number, decision: words[decision] }));
    this.table.sent(region, text);
    this.table.onward(region, () => this.table.take([answer.region], answer.revision));
  }

  /** The catalogue's answer; null if somebody else's decision is left standing. */
  async settled(region, decision, text) {
    try {
      return await this.catalogue.decide(region, decision, text, false);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      this.table.take([error.region], error.revision);
      if (!(await confirmed(error.region))) return null;
      return this.catalogue.decide(region, decision, text, true);
    }
  }

  async approveRestNow() {
    const waiting = scene.regions.filter((region) => region.decision === "pending");
    if (!waiting.length) return;
    const answer = await this.catalogue.decideMany(waiting, "approved");
    this.table.take([...answer.regions, ...answer.refused], answer.revision);
    const said = [fill(words.savedMany, { count: answer.regions.length, decision: words.approved })];
    if (answer.refused.length) said.push(fill(words.refused, { count: answer.refused.length }));
    mention(said.join(" "));
  }

  async undoNow() {
    const answer = await this.catalogue.undo();
    this.table.take([...answer.regions, ...answer.refused], answer.revision);
    mention(answer.regions.length ? words.undone : fill(words.refused, { count: answer.refused.length }));
    this.table.choose(answer.region.number);
  }
}

function explain(error) {
  if (error instanceof Ended) {
    const here = encodeURIComponent(location.pathname + location.search);
    return say(words.ended, { words: words.login, address: `/login?next=${here}` });
  }
  const told = [[Forbidden, words.forbidden], [Frozen, words.frozen], [Nothing, words.nothing]];
  const known = told.find(([kind]) => error instanceof kind);
  if (known) say(known[1]);
  else failed();
}

/** Ask whether somebody else's decision is to be changed all the same. */
function confirmed(region) {
  const dialog = element("lt-conflict");
  element("lt-conflict-words").textContent = fill(words.conflict, {
    person: region.by ?? "?", decision: words[region.decision], number: region.number, when: when(region.at),
  });
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
