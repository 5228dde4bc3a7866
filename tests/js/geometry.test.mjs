import assert from "node:assert/strict";
import { test } from "node:test";

import { fitScale, kept, MAX_ZOOM, panned, placement, wholeImage, zoomed } from "../../static/quiz/geometry.js";

const image = { width: 1024, height: 512 };
const area = { width: 1440, height: 780 };

/** The image point under a point of the area. */
function under(view, point) {
  const { x, y, width } = placement(view, image, area);
  const scale = width / image.width;
  return { x: (point.x - x) / scale, y: (point.y - y) / scale };
}

test("the whole image is as large as fits, in the middle", () => {
  assert.equal(fitScale(image, area), 1440 / 1024);
  assert.deepEqual(placement(wholeImage(image), image, area), { x: 0, y: 30, width: 1440, height: 720 });
});

test("zooming keeps the point under the pointer where it is", () => {
  const point = { x: 900, y: 420 };
  const before = under(wholeImage(image), point);
  const after = under(zoomed(wholeImage(image), 3, point, image, area), point);
  assert.ok(Math.hypot(after.x - before.x, after.y - before.y) < 1e-9);
});

test("zoom stays between the whole image and its limit, and back out the image is whole again", () => {
  const near = zoomed(wholeImage(image), 100, { x: 10, y: 40 }, image, area);
  assert.equal(near.zoom, MAX_ZOOM);
  assert.deepEqual(zoomed(near, 1e-6, { x: 1300, y: 700 }, image, area), wholeImage(image));
});

test("panning moves the picture with the pointer, but not beyond its edges", () => {
  const near = zoomed(wholeImage(image), 4, { x: 720, y: 390 }, image, area);
  const before = placement(near, image, area);
  assert.equal(placement(panned(near, 25, -10, image, area), image, area).x, before.x + 25);
  const edge = placement(panned(near, 1e6, 1e6, image, area), image, area);
  assert.ok(Math.abs(edge.x) < 1e-9 && Math.abs(edge.y) < 1e-9);
  assert.deepEqual(panned(wholeImage(image), 50, 50, image, area), wholeImage(image));
});

test("a smaller window keeps the image filling it", () => {
  const near = panned(zoomed(wholeImage(image), 2, { x: 0, y: 0 }, image, area), 1e6, 0, image, area);
  const { x } = placement(kept(near, image, { width: 800, height: 600 }), image, { width: 800, height: 600 });
  assert.ok(Math.abs(x) < 1e-9);
});
