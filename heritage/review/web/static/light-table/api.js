// What is said to the catalogue, and what it answers.

// as many regions as the catalogue takes at once
const MOST = 50_000;

/** Nobody is logged in any more. */
export class Ended extends Error {}
/** The role may not do this. */
export class Forbidden extends Error {}
/** Handed in or signed: decisions stay as they are. */
export class Frozen extends Error {}
/** There is nothing to undo. */
export class Nothing extends Error {}
/** Somebody else decided meanwhile. */
export class Conflict extends Error {
  /**
   * @param {object} region as it is now
   * @param {number} revision of the pictures that go with it
   */
  constructor(region, revision) {
    super("conflict");
    this.region = region;
    this.revision = revision;
  }
}

const REFUSALS = { 401: Ended, 403: Forbidden, 404: Nothing, 423: Frozen };

/** The decisions of one restoration. */
export class Catalogue {
  constructor(scene) {
    this.scene = scene;
    this.csrf = scene.csrf;
  }

  /** Decide on one region as it was seen. */
  decide(region, decision, note, confirmed) {
    const body = { decision, note, version: region.version, confirmed };
    return this.post(`${this.scene.decide}/${region.number}`, body);
  }

  /** The same decision on many; those that others changed meanwhile come back as ``refused``. */
  async decideMany(regions, decision) {
    const done = { regions: [], refused: [], revision: null };
    for (let first = 0; first < regions.length; first += MOST) {
      const some = regions.slice(first, first + MOST);
      const numbers = some.map((region) => region.number);
      const versions = some.map((region) => region.version);
      const answer = await this.post(this.scene.decide, { decision, numbers, versions });
      done.regions = done.regions.concat(answer.regions);
      done.refused = done.refused.concat(answer.refused);
      done.revision = answer.revision;
    }
    return done;
  }

  /** Take back one's own last decision. */
  undo() {
    return this.post(this.scene.undo, {});
  }

  async post(address, body) {
    let answer = await this.send(address, body);
    if (answer.status === 403 && (await this.renewed())) answer = await this.send(address, body);
    if (answer.ok) return answer.json();
    const Refusal = REFUSALS[answer.status];
    if (Refusal) throw new Refusal();
    if (answer.status === 409) {
      const said = await answer.json();
      if (said.region) throw new Conflict(said.region, said.revision);
    }
    throw new Error(String(answer.status));
  }

  send(address, body) {
    return fetch(address, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this.csrf },
      body: JSON.stringify(body),
    });
  }

  /** Whether somebody logged in anew, in another window: then another token counts. */
  async renewed() {
    const answer = await fetch("/api/me", { credentials: "same-origin" });
    if (!answer.ok) return false;
    const { csrf } = await answer.json();
    const changed = csrf !== this.csrf;
    this.csrf = csrf;
    return changed;
  }
}
