// The editor: flags are dragged, added and removed, sliders moved; each change is told to the window
// around this one, which answers with the new state.
(() => {
  const $ = (id) => document.getElementById(id);
  const page = window.pavasReport;
  let chosen = null, current = null;

  const tell = (edit) => { if (window.parent !== window) window.parent.postMessage({ pavas_edit: edit }, "*"); };
  const objectOf = (element) => Number(element.closest("[data-object]").dataset.object);

  // -- which object and which impact are meant ---------------------------------------------------
  const mark = () => {
    const ids = page.data().objects.map((o) => o.id);
    if (!ids.includes(current)) current = ids[0] ?? null;
    for (const card of document.querySelectorAll(".card")) card.classList.toggle("chosen", objectOf(card) === current && ids.length > 1);
    let found = false;
    for (const flag of document.querySelectorAll(".flag")) {
      const is = chosen !== null && objectOf(flag) === chosen.object && Math.abs(flag.dataset.seek - chosen.time_s) < 1e-3;
      flag.classList.toggle("chosen", is);
      found ||= is;
    }
    if (!found) chosen = null;
    $("remove-impact").disabled = chosen === null;
    $("add-impact").disabled = current === null;
  };
  const choose = (flag) => {
    chosen = { object: objectOf(flag), time_s: Number(flag.dataset.seek) };
    current = chosen.object;
    mark();
  };
  document.querySelector(".objects").addEventListener("click", (e) => {
    const card = e.target.closest(".card");
    if (card) { current = objectOf(card); mark(); }
  });

  // -- impacts -----------------------------------------------------------------------------------------
  const rounded = (t) => Math.round(t * 1000) / 1000;
  const add = (t) => {
    if (current === null) return;
    chosen = { object: current, time_s: rounded(t) };
    tell({ kind: "add_impact", object_id: current, time_s: rounded(t) });
  };
  const remove = () => {
    if (chosen === null) return;
    tell({ kind: "remove_impact", object_id: chosen.object, time_s: chosen.time_s });
  };
  $("add-impact").onclick = () => add(page.now());
  $("remove-impact").onclick = remove;
  $("tracks").addEventListener("dblclick", (e) => {
    if (e.target.closest(".plot") && !e.target.closest(".flag")) add(page.timeAt(e));
  });
  let drag = null;
  $("rows").addEventListener("pointerdown", (e) => {
    const flag = e.target.closest(".flag");
    if (!flag || e.button) return;
    choose(flag);
    drag = { flag, startX: e.clientX, moved: false };
    flag.setPointerCapture(e.pointerId);
  });
  $("rows").addEventListener("pointermove", (e) => {
    if (!drag) return;
    drag.moved ||= Math.abs(e.clientX - drag.startX) > 3;
    if (!drag.moved) return;
    const t = page.timeAt(e);
    drag.flag.style.left = `${(100 * t) / page.data().duration}%`;
    $("clock").textContent = page.clock(t);
  });
  const drop = (e) => {
    if (!drag) return;
    const { moved } = drag;
    drag = null;
    if (!moved || chosen === null) return;
    const to = rounded(page.timeAt(e)), from = chosen.time_s;
    chosen = { object: chosen.object, time_s: to };
    tell({ kind: "move_impact", object_id: chosen.object, time_s: from, to_time_s: to });
  };
  $("rows").addEventListener("pointerup", drop);
  $("rows").addEventListener("pointercancel", () => { drag = null; });

  // -- objects -----------------------------------------------------------------------------------------
  const size = (input) => {
    const value = Number(input.value);
    if (input.type === "number") return value;
    return input.dataset.edit === "mass" ? 10 ** value : 2 ** value;
  };
  document.querySelector(".objects").addEventListener("input", (e) => {
    const input = e.target;
    if (input.type !== "range" || !input.dataset.edit) return;
    const typed = input.closest(".controls").querySelector(`input[type=number][data-edit=${input.dataset.edit}]`);
    typed.value = Number(size(input).toPrecision(3));
  });
  document.querySelector(".objects").addEventListener("change", (e) => {
    const input = e.target, kind = input.dataset.edit;
    const value = Number(size(input).toPrecision(4));
    if (kind === "mass" && value > 0) tell({ kind, object_id: objectOf(input), mass_kg: value });
    if (kind === "speed" && value > 0) tell({ kind, object_id: objectOf(input), factor: value });
  });
  document.querySelector(".objects").addEventListener("click", (e) => {
    const button = e.target.closest("[data-edit=remove_object]");
    if (button) tell({ kind: "remove_object", object_id: objectOf(button) });
  });
  $("undo").onclick = () => tell({ kind: "undo" });
  $("reset").onclick = () => tell({ kind: "reset" });
  document.addEventListener("keydown", (e) => {
    if (e.target.tagName === "INPUT") return;
    if (e.key === "Delete" || e.key === "Backspace") { e.preventDefault(); remove(); }
    if (e.key === "z" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); tell({ kind: "undo" }); }
  });

  // -- the window around -----------------------------------------------------------------------------
  window.addEventListener("message", (e) => {
    if (e.source !== window.parent || !e.data || !e.data.pavas_state) return;
    page.showState(e.data.pavas_state);
    mark();
  });
  const main = document.querySelector("main");
  const told = new ResizeObserver(() => {
    if (window.parent !== window) window.parent.postMessage({ pavas_height: main.getBoundingClientRect().height }, "*");
  });
  told.observe(main);
  tell({ kind: "ready" });
})();
