// Deep zoom: a viewer, the tiles of one picture, and how a picture comes in without a flicker.

const OSD = window.OpenSeadragon;
const PATIENCE = 4000;
// from so many screen pixels for one of the file on, it is shown as a square
const SQUARES = 2;
const known = new Map();

/** What the picture service says of a picture; asked once. */
function info(address) {
  if (!known.has(address)) {
    const asked = fetch(`${address}/info.json`, { credentials: "same-origin" }).then((answer) => {
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      return answer.json();
    });
    asked.catch(() => known.delete(address));
    known.set(address, asked);
  }
  return known.get(address);
}

/**
 * The tiles of a picture.
 * @param {string} address of the picture in the picture service
 * @param {string} query what the tiles' addresses carry besides
 * @param {"jpg"|"png"} format
 */
export async function source(address, query, format) {
  const tiles = new OSD.IIIFTileSource({ ...(await info(address)), tileFormat: format });
  const plain = tiles.getTileUrl.bind(tiles);
  tiles.getTileUrl = (level, x, y) => (query ? `${plain(level, x, y)}?${query}` : plain(level, x, y));
  return tiles;
}

/** A viewer in the element of that id, without buttons or keys of its own. */
export function makeViewer(id) {
  const osd = new OSD.Viewer({
    id,
    drawer: "canvas",
    showNavigationControl: false,
    keyboardNavEnabled: false,
    animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
    maxZoomPixelRatio: 8,
    visibilityRatio: 0.5,
    minZoomImageRatio: 0.6,
    imageLoaderLimit: 8,
    timeout: 120000,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    subPixelRoundingForTransparency: OSD.SUBPIXEL_ROUNDING_OCCURRENCES.ALWAYS,
  });
  osd.canvas.setAttribute("role", "img");
  osd.canvas.setAttribute("aria-label", osd.element.dataset.label);
  let smooth = true;
  osd.addHandler("zoom", ({ zoom }) => {
    const item = osd.world.getItemAt(0);
    const wanted = !item || item.viewportToImageZoom(zoom) * ratio() < SQUARES;
    if (wanted !== smooth) osd.drawer.setImageSmoothingEnabled(wanted);
    smooth = wanted;
  });
  return osd;
}

/** Screen pixels for one of the page's. */
export const ratio = () => Math.max(window.devicePixelRatio, 1);

/** Add a picture, unseen. */
export function add(osd, tiles) {
  return new Promise((done, fail) => {
    osd.addTiledImage({
      tileSource: tiles,
      opacity: 0,
      preload: true,
      success: (event) => done(event.item),
      error: (event) => fail(new Error(event.message)),
    });
  });
}

/** Wait until what is in view of a picture has come, or for some seconds. */
export function arrived(item) {
  return new Promise((done) => {
    const enough = setTimeout(done, PATIENCE);
    const look = () => {
      if (!item.getFullyLoaded()) return;
      clearTimeout(enough);
      item.removeHandler("fully-loaded-change", look);
      done();
    };
    item.addHandler("fully-loaded-change", look);
    look();
  });
}
