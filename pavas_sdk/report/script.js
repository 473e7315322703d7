(() => {
  const $ = (id) => document.getElementById(id);
  let data = JSON.parse($("data").textContent);
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
  const own = blob("video-data", "video/mp4");
  if (own) video.src = own;
  const save = (link, url) => { if (url) { link.href = url; link.hidden = false; } };
  save($("save-sound"), blob("generated-data", "audio/flac"));
  const physics = JSON.stringify(JSON.parse($("physics").textContent), null, 1);
  save($("save-physics"), URL.createObjectURL(new Blob([physics], { type: "application/json" })));

  // -- the sounds: one is part of the video, the others are kept in step with the picture ---------
  let carried = "generated", others = new Map();
  const recordedUrl = blob("recorded-data", "audio/flac");
  if (recordedUrl) others.set("recorded", new Audio(recordedUrl));
  let hear = document.querySelector(".track[data-sound]")?.dataset.sound ?? "generated";
  const inStep = () => {
    video.muted = hear !== carried;
    for (const [name, sound] of others) {
      const wanted = hear === name && !video.paused && !video.ended;
      sound.playbackRate = video.playbackRate;
      if (Math.abs(sound.currentTime - video.currentTime) > (wanted ? 0.06 : 0.001)) {
        sound.currentTime = Math.min(video.currentTime, sound.duration || video.currentTime);
      }
      if (wanted && sound.paused) sound.play().catch(() => {});
      if (!wanted && !sound.paused) sound.pause();
    }
  };
  const choose = (name) => {
    hear = name;
    const together = "together" in document.body.dataset;
    for (const b of document.querySelectorAll("[data-hear]")) b.setAttribute("aria-pressed", String(b.dataset.hear === name));
    for (const t of document.querySelectorAll(".track[data-sound]")) {
      t.hidden = t.dataset.sound !== name && !together;
      t.classList.toggle("unheard", t.dataset.sound !== name);
    }
    inStep();
  };
  $("hear").addEventListener("click", (e) => {
    const button = e.target.closest("[data-hear]");
    if (button) choose(button.dataset.hear);
  });

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
  const seekTo = (e) => {
    const place = e.target.closest("[data-seek]");
    if (place) seek(Number(place.dataset.seek));
  };
  document.addEventListener("click", seekTo);
  document.addEventListener("keydown", (e) => { if (e.key === "Enter" && e.target.matches("tr[data-seek]")) seekTo(e); });
  const showHidden = () => {
    for (const part of document.querySelectorAll(".tracks [data-object], .impacts [data-object]")) {
      part.classList.toggle("off", hidden.has(Number(part.dataset.object)));
    }
    for (const eye of document.querySelectorAll(".eye")) press(eye, !hidden.has(Number(eye.closest(".card").dataset.object)));
  };
  document.addEventListener("click", (e) => {
    const card = e.target.closest(".eye")?.closest(".card");
    if (!card) return;
    const id = Number(card.dataset.object);
    if (!hidden.delete(id)) hidden.add(id);
    showHidden();
    update();
  });
  const keys = { " ": toggle, ArrowLeft: () => step(-1), ArrowRight: () => step(1), "[": () => jump(-1), "]": () => jump(1),
    "+": () => setZoom(zoom * 1.6), "=": () => setZoom(zoom * 1.6), "-": () => setZoom(zoom / 1.6), m: masks };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !keys[e.key] || e.target.tagName === "INPUT" || (e.key === " " && e.target.tagName === "BUTTON")) return;
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

  // -- another state of the clip, given by the editor ------------------------------------------------
  const fill = (place, html) => { if (html !== undefined) document.querySelector(place).innerHTML = html; };
  const showState = (state) => {
    data = state.data;
    fill("#rows", state.timeline); fill(".objects", state.cards); fill(".impacts tbody", state.impacts); fill("#hear", state.choices);
    document.body.style.setProperty("--aspect", state.aspect);
    if (state.video !== video.getAttribute("src")) video.src = state.video;
    const names = Object.keys(state.sounds);
    for (const [name, sound] of others) if (state.sounds[name] !== sound.getAttribute("src")) { sound.pause(); others.delete(name); }
    for (const name of names) if (!others.has(name)) others.set(name, new Audio(state.sounds[name]));
    for (const [name, sound] of others) sound.volume = state.volumes[name] ?? 1;
    carried = "";
    choose(names.includes(hear) ? hear : names[0] ?? "");
    showHidden();
    update();
  };
  window.pavasReport = { showState, timeAt, xOf, seek, draw, plot, clock, now: () => video.currentTime, data: () => data };
})();
