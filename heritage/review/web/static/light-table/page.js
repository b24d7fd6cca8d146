// What the page was given, and how it is spoken to.

const LASTING = 8000;
let passing = null;
const read = (id) => JSON.parse(document.getElementById(id).textContent);

/** The restoration as the server told it. */
export const scene = read("scene");

/** Sentences in the reader's language. */
export const words = read("words");

/** An element by its id. */
export const element = (id) => document.getElementById(id);

/** All elements of the light table that match a selector. */
export const all = (selector) => element("light-table").querySelectorAll(selector);

/** Tell everybody, also those who hear the page; with a link if something is to be done elsewhere. */
export function say(sentence, link) {
  clearTimeout(passing);
  const place = element("lt-say");
  place.replaceChildren(sentence);
  if (!link) return;
  const anchor = document.createElement("a");
  Object.assign(anchor, { textContent: link.words, href: link.address, target: "_blank" });
  place.append(" ", anchor);
}

/** Tell what went well; it goes away by itself. */
export function mention(sentence) {
  say(sentence);
  passing = setTimeout(() => element("lt-say").replaceChildren(), LASTING);
}

/** Say that something did not work, whatever it was. */
export const failed = () => say(words.failed);

/** A sentence with its gaps filled. */
export function fill(sentence, facts) {
  return sentence.replace(/\{(\w+)\}/g, (gap, name) => facts[name] ?? gap);
}

/** A moment as people read it. */
export function when(moment) {
  return moment ? new Date(moment).toLocaleString(document.documentElement.lang) : "";
}

/** A share of one as people read it. */
export const percent = (share) => `${Math.round(share * 100)} %`;

/** Whether a button is pressed in; sets it if told how. */
export function pressed(button, on) {
  if (on !== undefined) button.setAttribute("aria-pressed", String(on));
  return button.getAttribute("aria-pressed") === "true";
}
