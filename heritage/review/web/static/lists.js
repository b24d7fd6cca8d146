// A page that is being left takes no late answer: to write its address would call the reader back.

let leaving = false;
addEventListener("beforeunload", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));
addEventListener("htmx:beforeSwap", (event) => {
  if (leaving) event.detail.shouldSwap = false;
});
