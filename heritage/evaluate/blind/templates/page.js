// Zoom, scrolling in step, the outline and the keys. Voting works without any of it.
"use strict";

const page = document.querySelector(".comparison");
const views = [...document.querySelectorAll(".view")];
const images = [...document.querySelectorAll(".sheet img")];
const answers = document.getElementById("answers");
const outline = document.getElementById("outline");
const across = Number(page.dataset.across);
const down = Number(page.dataset.down);
const remembered = window.sessionStorage;

let zoom = 1;
let leading = null;

function share(view) {
  return {
    across: (view.scrollLeft + view.clientWidth / 2) / view.scrollWidth,
    down: (view.scrollTop + view.clientHeight / 2) / view.scrollHeight,
  };
}

function look(at, except = null) {
  for (const view of views) {
    if (view === except) continue;
    view.scrollLeft = at.across * view.scrollWidth - view.clientWidth / 2;
    view.scrollTop = at.down * view.scrollHeight - view.clientHeight / 2;
  }
}

function setZoom(next, at) {
  zoom = next;
  for (const image of images) {
    image.style.width = `${image.getAttribute("width") * zoom}px`;
    image.style.height = `${image.getAttribute("height") * zoom}px`;
  }
  page.classList.toggle("near", zoom > 1);
  document.getElementById("zoom-out").setAttribute("aria-pressed", String(zoom === 1));
  document.getElementById("zoom-in").setAttribute("aria-pressed", String(zoom > 1));
  remembered.setItem("zoom", String(zoom));
  look(at);
}

function setOutline(shown) {
  page.classList.toggle("outlined", shown);
  outline.setAttribute("aria-pressed", String(shown));
  remembered.setItem("outline", String(shown));
}

for (const view of views) {
  // Whichever view is moved leads; the others follow without leading in turn.
  view.addEventListener("pointerenter", () => { leading = view; });
  view.addEventListener("focus", () => { leading = view; });
  view.addEventListener("scroll", () => {
    if (view === leading) look(share(view), view);
  });
  view.addEventListener("pointerdown", (event) => {
    leading = view;
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener("pointermove", (event) => {
    if (!view.hasPointerCapture(event.pointerId)) return;
    view.scrollLeft -= event.movementX;
    view.scrollTop -= event.movementY;
  });
  view.addEventListener("dblclick", (event) => {
    const box = view.querySelector(".sheet").getBoundingClientRect();
    const at = {
      across: (event.clientX - box.left) / box.width,
      down: (event.clientY - box.top) / box.height,
    };
    setZoom(zoom === 1 ? 4 : 1, at);
  });
}

document.getElementById("zoom-out").addEventListener("click", () => setZoom(1, share(views[0])));
document.getElementById("zoom-in").addEventListener("click", () => {
  setZoom(4, zoom > 1 ? share(views[0]) : { across, down });
});
outline.addEventListener("click", () => setOutline(!page.classList.contains("outlined")));

// One answer per page, and none before everything can be seen.
let ready = false;
let sent = false;
answers.addEventListener("submit", (event) => {
  if (!ready || sent) event.preventDefault();
  else sent = true;
});

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  if (key === "1") setZoom(1, share(views[0]));
  else if (key === "4") document.getElementById("zoom-in").click();
  else if (key === "o") outline.click();
  else {
    const button = answers.querySelector(`button[data-key="${CSS.escape(key)}"]`);
    if (button) button.click();
  }
});

function begin() {
  page.querySelector(".tools").hidden = false;
  setOutline(remembered.getItem("outline") === "true");
  setZoom(remembered.getItem("zoom") === "4" ? 4 : 1, { across, down });
  Promise.allSettled(images.map((image) => image.decode())).then(() => { ready = true; });
}

begin();
