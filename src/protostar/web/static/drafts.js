// What is written and not sent yet: it waits in this tab while the page comes again, and whoever leaves the page is asked.

import { fieldsOf, valuesOf } from "./fields.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const watched = new Map(); // of each form the values as the server has them
let kept = false;

const nameOf = (form) => `draft ${form.dataset.api ?? form.getAttribute("hx-post")} ${form.closest("dialog")?.id ?? ""}`;

// As the server made it: what was typed before this script ran is a change.
const asMade = (form) => new DOMParser().parseFromString(form.outerHTML, "text/html").forms[0];

// `add({ name, value, label })`: puts in a box that the server did not make.
export function watch(form, add = () => {}) {
  watched.set(form, valuesOf(asMade(form)));
  const draft = JSON.parse(sessionStorage.getItem(nameOf(form)) ?? "[]");
  sessionStorage.removeItem(nameOf(form));
  if (!draft.length) return;
  for (const [name, states] of draft) states.forEach((state) => fill(form, name, state, add));
  const folded = form.closest("details");
  if (folded) folded.open = true;
  form.closest("dialog")?.showModal();
  toast(t("What you had not saved is here again."));
}

function fill(form, name, { value, checked, unset, label }, add) {
  const find = () => fieldsOf(form, name).find((field) => field.type !== "checkbox" || field.value === value);
  if (!find()) add({ name, value, label });
  const field = find();
  if (!field) return;
  Object.assign(field, { value, checked });
  if (unset) field.dataset.unset = unset;
}

export function changesOf(form) {
  const before = watched.get(form);
  return Object.fromEntries(Object.entries(valuesOf(form)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}

// These are the server's by now.
export const settle = (form, changes) => Object.assign(watched.get(form), changes);

// Those that hold something unsent: a dialog that was closed was given up, and a form that was drawn anew is another.
function written() {
  return [...watched.keys()].filter((form) => form.isConnected && (form.closest("dialog")?.open ?? true) && Object.keys(changesOf(form)).length);
}

// The session has ended, or the page comes again in another language.
document.addEventListener("leaving", () => {
  for (const form of written()) {
    const states = Object.keys(changesOf(form)).map((name) => [name, fieldsOf(form, name).map(stateOf)]);
    sessionStorage.setItem(nameOf(form), JSON.stringify(states));
  }
  kept = true;
});

const stateOf = ({ value, checked, dataset, labels }) => ({ value, checked, unset: dataset.unset, label: labels?.[0]?.textContent });

addEventListener("beforeunload", (event) => {
  if (!kept && written().length) event.preventDefault();
});
