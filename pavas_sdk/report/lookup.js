"use strict";
// Looking things up by time, numbers as people read them, and room for names.
const indexAt = (times, t) => {            // last entry at or before t
  let low = 0, high = times.length;
  while (low < high) { const m = (low + high) >> 1; if (times[m] <= t + 1e-4) low = m + 1; else high = m; }
  return low - 1;
};
const valueAt = (times, values, t) => {    // nearest entry; null outside and where missing
  if (!times.length) return null;
  let k = Math.max(0, indexAt(times, t));
  if (k + 1 < times.length && times[k + 1] - t < t - times[k]) k += 1;
  const step = times.length > 1 ? (times[times.length - 1] - times[0]) / (times.length - 1) : 1;
  return Math.abs(times[k] - t) > 1.5 * step ? null : values[k];
};
const show = (v, digits = 3) => {
  if (v === null || v === undefined) return "–";
  if (v === 0) return "0";
  const places = Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(Math.abs(v)))));
  return v.toFixed(places);
};
const energy = (j) => {
  if (j === null || j === undefined) return "";
  for (const [unit, size] of [["kJ", 1e3], ["J", 1], ["mJ", 1e-3]]) if (j >= size) return show(j / size) + " " + unit;
  return j >= 1e-6 ? show(j * 1e6) + " µJ" : j > 0 ? "< 1 µJ" : "0 J";
};
const clock = (t) => t < 60 ? t.toFixed(2) + " s" : Math.floor(t / 60) + ":" + (t % 60).toFixed(2).padStart(5, "0");
const covered = (a, rects) => rects.reduce((sum, b) => sum
  + Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x))
  * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y)), 0);
const freePlace = (box, w, h, room, taken) => {
  const gap = 7, cx = box.x + box.w / 2 - w / 2, cy = box.y + box.h / 2 - h / 2;
  const above = box.y - h - gap, below = box.y + box.h + gap;
  const beside = [box.x + box.w + gap, box.x - w - gap];
  const wanted = [[cx, above], [cx, below], [beside[0], cy], [beside[1], cy], [cx, above - h - 3], [cx, below + h + 3],
    [beside[0], above], [beside[1], above], [beside[0], below], [beside[1], below]];
  let best = null, least = Infinity;
  for (const [x, y] of wanted) {
    const right = Math.max(3 - room.left, room.wide - room.left - w - 3), low = room.high - room.top - h - 3;
    const rect = { x: Math.min(Math.max(x, 3 - room.left), right), y: Math.min(Math.max(y, 3 - room.top), low), w, h };
    const cost = covered(rect, taken);
    if (cost < least) { best = rect; least = cost; }
    if (cost === 0) break;
  }
  return best;
};
