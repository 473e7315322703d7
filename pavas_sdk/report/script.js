"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const video = $("video"), canvas = $("overlay"), tracks = $("tracks"), scroll = $("scroll");
  const hidden = new Set();
  let drawing = true, zoom = 1, shown = -1;

  // -- files held by the page ------------------------------------------------------------------
  const blob = (id, type) => {
    const text = $(id).textContent.trim();
    if (!text) return null;
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    $(id).textContent = "";
    return URL.createObjectURL(new Blob([bytes], { type }));
  };
  video.src = blob("video-data", "video/mp4");
  const save = (link, url) => { if (url) { link.href = url; link.hidden = false; } };
  save($("save-sound"), blob("generated-data", "audio/flac"));
  const physics = JSON.stringify(JSON.parse($("physics").textContent), null, 1);
  save($("save-physics"), URL.createObjectURL(new Blob([physics], { type: "application/json" })));

  // -- the other sound, kept in step with the picture --------------------------------------------
  const recordedUrl = blob("recorded-data", "audio/flac");
  const recorded = recordedUrl ? new Audio(recordedUrl) : null;
  let hear = document.querySelector(".track[data-sound]")?.dataset.sound ?? "generated";
  const inStep = () => {
    if (!recorded) return;
    const wanted = hear === "recorded" && !video.paused && !video.ended;
    video.muted = hear === "recorded";
    recorded.playbackRate = video.playbackRate;
    if (Math.abs(recorded.currentTime - video.currentTime) > (wanted ? 0.06 : 0.001)) {
      recorded.currentTime = Math.min(video.currentTime, recorded.duration || video.currentTime);
    }
    if (wanted && recorded.paused) recorded.play().catch(() => {});
    if (!wanted && !recorded.paused) recorded.pause();
  };
  const choose = (name) => {
    hear = name;
    for (const b of document.querySelectorAll("[data-hear]")) b.setAttribute("aria-pressed", String(b.dataset.hear === name));
    for (const t of document.querySelectorAll(".track[data-sound]")) t.hidden = t.dataset.sound !== name;
    inStep();
  };
  for (const b of document.querySelectorAll("[data-hear]")) b.onclick = () => choose(b.dataset.hear);

  // -- looking things up by time -----------------------------------------------------------------
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

  // -- what is drawn on the picture ----------------------------------------------------------------
  const context = canvas.getContext("2d");
  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    // the canvas covers the whole stage, so that names find room beside a narrow picture
    const wide = canvas.clientWidth, high = canvas.clientHeight, screen = video.parentElement;
    const w = screen.clientWidth, h = screen.clientHeight;
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
      canvas.width = Math.round(wide * ratio); canvas.height = Math.round(high * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, wide, high);
    if (!drawing) return;
    const room = { left: screen.offsetLeft, top: screen.offsetTop, wide, high };
    context.translate(room.left, room.top);
    const t = video.currentTime, sx = w / data.grid, sy = h / data.grid;
    const named = [];
    for (const thing of data.objects) {
      if (hidden.has(thing.id)) continue;
      const k = indexAt(thing.shown, t);
      if (k < 0) continue;
      context.lineJoin = context.lineCap = "round";
      // where it came from
      context.strokeStyle = thing.colour; context.lineWidth = 2;
      for (let j = k; j > 0 && thing.shown[j] > t - 0.5; j -= 1) {
        const a = thing.centres[j], b = thing.centres[j - 1];
        if (!a.length || !b.length) continue;
        context.globalAlpha = 0.75 * Math.max(0, 1 - (t - thing.shown[j]) / 0.5);
        context.beginPath(); context.moveTo(a[0] * sx, a[1] * sy); context.lineTo(b[0] * sx, b[1] * sy); context.stroke();
      }
      context.globalAlpha = 1;
      const rings = thing.outlines[k];
      if (!rings.length) continue;
      const path = new Path2D();
      let left = 1e9, top = 1e9, right = 0, bottom = 0;
      for (const ring of rings) {
        // through the middles of the sides, so that corners are round
        const n = ring.length / 2, at = (j) => [ring[2 * (j % n)] * sx, ring[2 * (j % n) + 1] * sy];
        for (let j = 0; j <= n; j += 1) {
          const [x, y] = at(j), [nx, ny] = at(j + 1);
          if (j) path.quadraticCurveTo(x, y, (x + nx) / 2, (y + ny) / 2);
          else path.moveTo((x + nx) / 2, (y + ny) / 2);
          left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
        }
        path.closePath();
      }
      context.fillStyle = thing.colour; context.globalAlpha = 0.2; context.fill(path, "evenodd");
      context.globalAlpha = 1;
      context.strokeStyle = "rgb(0 0 0 / .55)"; context.lineWidth = 3.5; context.stroke(path);
      context.strokeStyle = thing.colour; context.lineWidth = 1.8; context.stroke(path);
      // impact: a ring that opens
      for (const hit of data.impacts) {
        const age = t - hit.time;
        if (hit.object !== thing.id || age < -0.02 || age > 0.45) continue;
        const c = thing.centres[k], grown = Math.max(0, age) / 0.45;
        if (!c.length) continue;
        context.globalAlpha = 1 - grown; context.lineWidth = 2.5; context.strokeStyle = "#fff";
        context.beginPath(); context.arc(c[0] * sx, c[1] * sy, Math.min(46, 0.6 * (right - left)) + 6 + 30 * grown, 0, 7); context.stroke();
        context.globalAlpha = 1;
      }
      named.push({ thing, x: left, y: top, w: right - left, h: bottom - top });
    }
    // names last, and where they cover neither an object nor each other
    const taken = named.map(({ x, y, w, h }) => ({ x, y, w, h }));
    for (const box of named) label(box.thing, t, box, room, taken);
  };
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
  const label = (thing, t, box, room, taken) => {
    const speed = valueAt(thing.times, thing.speed, t);
    const hit = data.impacts.filter((i) => i.object === thing.id && t >= i.time - 0.02 && t < i.time + 0.45).pop();
    const name = thing.label.length > 28 ? thing.label.slice(0, 27) + "…" : thing.label;
    const text = speed === null ? name : name + "  " + speed.toFixed(2) + " m/s";
    const size = Math.max(11, Math.min(14, room.wide / 46));
    context.font = `600 ${size}px system-ui, "DejaVu Sans", sans-serif`;
    const extra = hit ? "  ▼ " + hit.text : "";
    const wide = context.measureText(text + extra).width + 14, high = size + 9;
    const rect = freePlace(box, wide, high, room, taken), px = rect.x, py = rect.y;
    taken.push(rect);
    context.fillStyle = "rgb(10 12 17 / .82)";
    context.beginPath(); context.roundRect(px, py, wide, high, 5); context.fill();
    context.strokeStyle = "rgb(255 255 255 / .16)"; context.lineWidth = 1; context.stroke();
    context.fillStyle = thing.colour; context.fillRect(px, py + 4, 3, high - 8);
    context.fillStyle = "#fff"; context.textBaseline = "middle";
    context.fillText(text, px + 8, py + high / 2 + 0.5);
    if (extra) { context.fillStyle = "#ffd166"; context.fillText(extra, px + 8 + context.measureText(text).width, py + high / 2 + 0.5); }
  };

  // -- the timeline ----------------------------------------------------------------------------------
  const plot = () => document.querySelector(".ruler .plot");
  const xOf = (t) => plot().offsetLeft + plot().clientWidth * Math.min(1, Math.max(0, t / data.duration));
  const timeAt = (event) => {
    const box = plot().getBoundingClientRect();
    return Math.min(data.duration, Math.max(0, (event.clientX - box.left) / box.width * data.duration));
  };
  const readout = (t) => {
    const parts = [];
    for (const thing of data.objects) {
      if (hidden.has(thing.id)) continue;
      const speed = valueAt(thing.times, thing.speed, t), joule = valueAt(thing.times, thing.energy, t);
      const line = document.createElement("span"), name = document.createElement("b");
      name.style.setProperty("--c", thing.colour); name.textContent = thing.label;
      line.append(name, speed === null ? " not seen" : ` ${speed.toFixed(2)} m/s ${energy(joule)}`);
      parts.push(line);
    }
    $("readout").replaceChildren(...parts);
  };
  let pointed = null;
  const update = () => {
    const t = Math.min(video.currentTime, data.duration);
    $("playhead").style.left = xOf(t) + "px";
    const asked = pointed ?? t;
    $("clock").textContent = clock(asked);
    readout(asked);
    for (const row of document.querySelectorAll("tr[data-seek]")) row.classList.toggle("now", Math.abs(row.dataset.seek - t) < 0.12);
    draw();
  };
  const follow = () => {
    if (zoom === 1 || video.paused) return;
    const x = xOf(video.currentTime), gutter = plot().offsetLeft;
    if (x < scroll.scrollLeft + gutter || x > scroll.scrollLeft + scroll.clientWidth - 30) scroll.scrollLeft = x - gutter - 40;
  };
  const tick = () => {
    if (video.currentTime !== shown) { shown = video.currentTime; update(); follow(); inStep(); }
    requestAnimationFrame(tick);
  };
  const seek = (t) => { video.currentTime = Math.min(Math.max(0, t), Math.max(0, (video.duration || data.duration) - 0.001)); };
  const setZoom = (wanted, around = video.currentTime) => {
    const before = xOf(around) - scroll.scrollLeft;
    zoom = Math.min(64, Math.max(1, wanted));
    tracks.style.width = 100 * zoom + "%";
    scroll.scrollLeft = xOf(around) - before;
    update();
  };
  let dragging = false;
  tracks.addEventListener("pointerdown", (e) => {
    if (!e.target.closest(".plot") || e.target.closest(".flag") || e.button) return;
    dragging = true; seek(timeAt(e));
  });
  tracks.addEventListener("pointermove", (e) => {
    const inside = e.target.closest(".plot");
    if (!inside && !dragging) { pointed = null; $("cursor").hidden = true; return; }
    const t = timeAt(e);
    if (dragging) { pointed = null; seek(t); return; }
    pointed = t; $("cursor").hidden = false; $("cursor").style.left = xOf(t) + "px"; update();
  });
  tracks.addEventListener("pointerleave", () => { pointed = null; $("cursor").hidden = true; update(); });
  window.addEventListener("pointerup", () => { dragging = false; });
  scroll.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault(); setZoom(zoom * Math.exp(-e.deltaY / 300), timeAt(e));
  }, { passive: false });

  // -- buttons and keys --------------------------------------------------------------------------------
  const toggle = () => { if (video.paused) video.play(); else video.pause(); };
  const step = (way) => {
    const times = data.objects.find((o) => o.shown.length)?.shown;
    video.pause();
    if (!times) { seek(video.currentTime + way / 25); return; }
    const k = indexAt(times, video.currentTime) + way;
    seek((times[Math.min(times.length - 1, Math.max(0, k))] ?? 0) + 0.002);
  };
  const jump = (way) => {
    const t = video.currentTime, hits = data.impacts.filter((i) => !hidden.has(i.object));
    const found = way > 0 ? hits.find((i) => i.time > t + 0.02) : hits.filter((i) => i.time < t - 0.02).pop();
    if (found) seek(found.time);
  };
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  $("play").onclick = $("big-play").onclick = video.onclick = toggle;
  $("back").onclick = () => jump(-1);
  $("next").onclick = () => jump(1);
  $("in").onclick = () => setZoom(zoom * 1.6);
  $("out").onclick = () => setZoom(zoom / 1.6);
  $("loop").onclick = () => { video.loop = !video.loop; press($("loop"), video.loop); };
  const masks = () => { drawing = !drawing; press($("masks"), drawing); draw(); };
  $("masks").onclick = masks;
  for (const b of document.querySelectorAll("[data-rate]")) b.onclick = () => {
    video.playbackRate = Number(b.dataset.rate);
    for (const other of document.querySelectorAll("[data-rate]")) press(other, other === b);
    inStep();
  };
  for (const b of document.querySelectorAll("[data-seek]")) {
    b.addEventListener("click", () => seek(Number(b.dataset.seek)));
    b.addEventListener("keydown", (e) => { if (e.key === "Enter") seek(Number(b.dataset.seek)); });
  }
  for (const card of document.querySelectorAll(".card")) card.querySelector(".eye").onclick = () => {
    const id = Number(card.dataset.object), off = !hidden.has(id);
    if (off) hidden.add(id); else hidden.delete(id);
    press(card.querySelector(".eye"), !off);
    for (const part of document.querySelectorAll(`.tracks [data-object="${id}"], .impacts [data-object="${id}"]`)) part.classList.toggle("off", off);
    update();
  };
  const keys = { " ": toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), "[": () => jump(-1), "]": () => jump(1),
    "+": () => setZoom(zoom * 1.6), "=": () => setZoom(zoom * 1.6), "-": () => setZoom(zoom / 1.6), m: masks };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !keys[e.key] || (e.key === " " && e.target.tagName === "BUTTON")) return;
    e.preventDefault(); keys[e.key]();
  });
  const state = () => {
    if (!video.paused || video.currentTime > 0) document.body.classList.add("started");
    $("play").textContent = video.paused ? "▶" : "❚❚";
    inStep();
  };
  for (const name of ["play", "pause", "ended", "seeked"]) video.addEventListener(name, () => { state(); update(); });
  new ResizeObserver(update).observe(document.body);
  const start = Number(new URLSearchParams(location.hash.slice(1)).get("t"));
  video.addEventListener("loadeddata", () => { if (start) seek(start); update(); }, { once: true });
  tick();
})();
