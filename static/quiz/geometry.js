// Where the image lies on the screen. A `view` is {zoom, x, y}: 1 is "as large as fits", (x, y) is the image point,
// in image pixels, at the middle of the area. Sizes are {width, height}; areas and points are in CSS pixels.

export const MAX_ZOOM = 8;

export function wholeImage(image) {
  return { zoom: 1, x: image.width / 2, y: image.height / 2 };
}

/** CSS pixels an image pixel takes when the whole image just fits the area. */
export function fitScale(image, area) {
  return Math.min(area.width / image.width, area.height / image.height);
}

/** Zooms by `factor` so that the image point under `point` (from the area's top left) stays where it is. */
export function zoomed(view, factor, point, image, area) {
  const zoom = Math.min(MAX_ZOOM, Math.max(1, view.zoom * factor));
  const before = fitScale(image, area) * view.zoom;
  const after = fitScale(image, area) * zoom;
  const shift = 1 / before - 1 / after;
  const x = view.x + (point.x - area.width / 2) * shift;
  const y = view.y + (point.y - area.height / 2) * shift;
  return kept({ zoom, x, y }, image, area);
}

/** Moves the picture by (dx, dy) on the screen. */
export function panned(view, dx, dy, image, area) {
  const scale = fitScale(image, area) * view.zoom;
  return kept({ ...view, x: view.x - dx / scale, y: view.y - dy / scale }, image, area);
}

/** The view with the image filling the area as far as it can: no empty margin where there is image to show. */
export function kept(view, image, area) {
  const scale = fitScale(image, area) * view.zoom;
  return {
    zoom: view.zoom,
    x: clampMiddle(view.x, image.width, area.width / scale),
    y: clampMiddle(view.y, image.height, area.height / scale),
  };
}

function clampMiddle(middle, length, seen) {
  if (seen >= length) return length / 2;
  return Math.min(length - seen / 2, Math.max(seen / 2, middle));
}

/** The rectangle that the whole image takes, in CSS pixels from the area's top left. */
export function placement(view, image, area) {
  const scale = fitScale(image, area) * view.zoom;
  return {
    x: area.width / 2 - view.x * scale,
    y: area.height / 2 - view.y * scale,
    width: image.width * scale,
    height: image.height * scale,
  };
}
