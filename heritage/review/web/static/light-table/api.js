// What is said to the catalogue, and what it answers.

export class Ended extends Error {}
export class Forbidden extends Error {}
export class Frozen extends Error {}
export class Nothing extends Error {}
export class Conflict extends Error {
  constructor(region) {
    super("conflict");
    this.region = region;
  }
}

export class Catalogue {
  constructor(scene) {
    this.scene = scene;
  }

  async post(address, body) {
    const answer = await fetch(address, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this.scene.csrf },
      body: JSON.stringify(body),
    });
    if (answer.ok) return answer.json();
    if (answer.status === 401) throw new Ended();
    if (answer.status === 403) throw new Forbidden();
    if (answer.status === 423) throw new Frozen();
    if (answer.status === 404) throw new Nothing();
    if (answer.status === 409) {
      const said = await answer.json();
      if (said.region) throw new Conflict(said.region);
    }
    throw new Error(String(answer.status));
  }

  /** Decide on one region as it was seen. */
  decide(region, decision, note, confirmed) {
    const body = { decision, note, version: region.version, confirmed };
    return this.post(`${this.scene.decide}/${region.number}`, body);
  }

  /** The same decision on many. */
  decideMany(regions, decision) {
    const numbers = regions.map((region) => region.number);
    const versions = regions.map((region) => region.version);
    return this.post(this.scene.decide, { decision, numbers, versions });
  }

  /** Take back one's own last decision. */
  undo() {
    return this.post(this.scene.undo, {});
  }
}
