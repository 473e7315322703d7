// Runs in Gradio's page: makes the frame of the editor, carries states in and edits out.
const frame = document.createElement("iframe");
frame.title = "video, physics and sound";
frame.id = "pavas-editor";
frame.style.cssText = "width:100%;border:0;border-radius:12px;min-height:320px;display:none";
frame.allow = "autoplay";
frame.srcdoc = EDITOR_PAGE;
element.querySelector(".stage-place").replaceChildren(frame);
let ready = false;
const config = window.gradio_config ?? {};
const address = (path) => `${config.root ?? ""}${config.api_prefix ?? "/gradio_api"}/file=${encodeURI(path)}`;
const show = () => {
  const state = props.value;
  frame.style.display = state?.video ? "block" : "none";
  if (!ready || !state || !state.video) return;
  const sounds = Object.fromEntries(Object.entries(state.sounds).map(([name, path]) => [name, address(path)]));
  frame.contentWindow.postMessage({ pavas_state: { ...state, video: address(state.video), sounds } }, "*");
};
window.addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || !event.data) return;
  if (event.data.pavas_height) frame.style.height = `${Math.ceil(event.data.pavas_height)}px`;
  const edit = event.data.pavas_edit;
  if (!edit) return;
  if (edit.kind === "ready") { ready = true; show(); } else trigger("edit", edit);
});
watch("value", show);
