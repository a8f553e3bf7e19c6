// Short messages at the edge of the page, one of which may be taken back.

import { $, el, icon } from "./dom.js";
import { t, told } from "./words.js";

const SECONDS = 8;

export function toast(text, { bad = false, action = null, act = null, ended = () => {}, take = false, left = () => {}, seconds = SECONDS } = {}) {
  // `ended`: when it is gone and nobody has acted. `take`: who works by keyboard is brought to its action; `left`: and back from it.
  const close = () => {
    const hadFocus = message.contains(document.activeElement);
    message.remove();
    clearTimeout(timer);
    ended();
    if (hadFocus) left();
  };
  let timer = null;
  const message = el(bad ? "div.toast.bad" : "div.toast", { role: bad ? "alert" : "status" }, el("span.grow", {}, text));
  if (action) {
    const button = el("button", { type: "button", onclick: () => { message.remove(); clearTimeout(timer); act(); } }, action);
    message.append(button);
  }
  message.append(el("button.close", { type: "button", "aria-label": t("Dismiss"), onclick: close }, icon("close")));
  message.addEventListener("keydown", ({ key }) => { if (key === "Escape") close(); });
  $("#toasts").append(message);
  // It stays while somebody is at it: reading takes as long as it takes.
  timer = setTimeout(close, seconds * 1000);
  const hold = () => clearTimeout(timer);
  const release = () => { clearTimeout(timer); timer = setTimeout(close, seconds * 1000); };
  message.addEventListener("pointerenter", hold);
  message.addEventListener("pointerleave", release);
  message.addEventListener("focusin", hold);
  message.addEventListener("focusout", release);
  if (take) $("button", message).focus();
  return close;
}

// On the page that comes next.
export const toastLater = (text) => sessionStorage.setItem("said", text);

// In the place of what could not be loaded.
export const failure = (error, again) => el("div.empty", { role: "alert" }, el("p.soft", {}, told(error.message)), el("button.button.compact", { type: "button", onclick: again }, icon("retry"), t("Try again")));

// The same of a document: one that has been deleted meanwhile is not there another time either, and may be restored.
export const lost = (error, again) => (error.status === 404
  ? el("div.empty", { role: "alert" }, el("p.soft", {}, t("It was deleted.")), el("a.button.compact", { href: "/documents?show=deleted" }, t("Deleted documents")))
  : failure(error, again));

export const complain = (error) => toast(told(error.message), { bad: true, seconds: 12 });

// Resolves to whether the person agreed. `typed`: what has to be typed first.
export function confirmed({ title, text, action, danger = true, typed = null }) {
  return new Promise((resolve) => {
    const field = typed ? el("input.input", { id: "typed", autocomplete: "off", required: true, "aria-label": t("Type “{name}” to confirm", { name: typed }) }) : null;
    const go = el(danger ? "button.button.danger" : "button.button.primary", { value: "yes", disabled: Boolean(typed) }, action);
    if (field) field.addEventListener("input", () => { go.disabled = field.value.trim() !== typed; });
    const dialog = el("dialog", { "aria-labelledby": "confirm-title" }, el("form", { method: "dialog" },
      el("h2", { id: "confirm-title" }, title),
      el("p.soft", {}, text),
      typed ? el("div.field", {}, el("label", { for: "typed" }, t("Type “{name}” to confirm", { name: typed })), field) : null,
      el("div.form-foot", {}, el("button.button", { type: "button", autofocus: !typed, onclick: () => dialog.close() }, t("Cancel")), go)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
