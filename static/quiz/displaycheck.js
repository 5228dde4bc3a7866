// What the display check makes of a screen: pure, so that it can be tested.

const LEAST = { width: 1000, height: 560 };
const ZOOM_TOLERANCE = 0.06;

/**
 * The browser's zoom as far as it can be told (1 where it can't): the window's outer width against its inner one. A side
 * bar makes that wider too; but only with zoom does the pixel ratio hold it as a factor, beside the screen's own ratio,
 * which goes in quarters.
 */
export function browserZoom({ outerWidth, innerWidth, devicePixelRatio }) {
  if (devicePixelRatio < 1) return devicePixelRatio;
  const zoom = outerWidth / innerWidth;
  const quarters = (devicePixelRatio / zoom) * 4;
  const plausible = quarters > 3.8 && Math.abs(quarters - Math.round(quarters)) < 0.15;
  return plausible ? zoom : 1;
}

/** Which warnings apply to what was `found`. */
export function warnings(found) {
  const { viewport_width: width, viewport_height: height, browser_zoom: zoom, grey_steps: steps } = found;
  return {
    small: width < LEAST.width || height < LEAST.height,
    zoom: Math.abs(zoom - 1) > ZOOM_TOLERANCE,
    steps: [found.dark_steps_seen, found.bright_steps_seen].some((seen) => seen !== null && seen < steps),
  };
}
