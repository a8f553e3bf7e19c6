// Forms that speak JSON to the API: `data-api` says where to, the names of fields where in the document they stand.

import { api } from "./api.js";
import { $, $$ } from "./dom.js";
import { forgive, refuse } from "./faults.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

const fieldsOf = (form, name) => $$(`[name="${name}"]`, form);

function valuesOf(form) {
  const names = new Set([...form.elements].map((field) => field.name).filter(Boolean));
  return Object.fromEntries([...names].map((name) => [name, valueOf(fieldsOf(form, name))]));
}

// {"settings.theme.accent": …} → {settings: {theme: {accent: …}}}, on top of what `now` holds there.
function documentOf(values, now = {}) {
  const made = {};
  for (const [name, value] of Object.entries(values)) {
    const path = name.split(".");
    const last = path.pop();
    if (path.length) made[path[0]] ??= now[path[0]] ?? {};
    path.reduce((place, key) => (place[key] ??= {}), made)[last] = value;
  }
  return made;
}

const linesOf = (field) => field.value.split("\n").map((line) => line.trim()).filter(Boolean);

// The origin that is meant by the address of a page, or by the name of a site alone; anything else is left for the server to refuse.
function originOf(line) {
  const address = /^[^/:]+\.\p{L}/u.test(line) ? `https://${line}` : line;
  if (!/^https?:/i.test(address)) return line;
  try {
    const { origin } = new URL(address);
    return origin.includes("%") ? line : origin; // no name of a site, as «*.example.com»
  } catch {
    return line;
  }
}

function valueOf(fields) {
  const [field] = fields;
  const kinds = {
    list: () => fields.filter((each) => each.checked).map((each) => each.value),
    lines: () => linesOf(field),
    origins: () => [...new Set(linesOf(field).map(originOf))],
    number: () => (field.value === "" ? null : Number(field.value)),
    colour: () => (field.dataset.unset === "true" ? null : field.value),
  };
  return (kinds[field.dataset.kind] ?? (() => field.value.trim()))();
}

// -- forms that change what is there: only what was changed in them is sent, as another tab may have changed the rest

// As the server made it: what was typed before this script ran is a change.
const asMade = (form) => new DOMParser().parseFromString(form.outerHTML, "text/html").forms[0];
const saved = new Map($$('form[data-method="PATCH"]').map((form) => [form, valuesOf(asMade(form))]));

function changesOf(form) {
  const before = saved.get(form);
  return Object.fromEntries(Object.entries(valuesOf(form)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}

// A PATCH replaces what is nested as a whole: it is read anew first.
async function amend(form, changes) {
  const { method, api: path } = form.dataset;
  const nested = Object.keys(changes).some((name) => name.includes("."));
  const answer = await api(method, path, { json: documentOf(changes, nested ? await api("GET", path) : {}) });
  Object.assign(saved.get(form), changes);
  return answer;
}

// -- what is not saved yet

const draftOf = (form) => `draft ${form.dataset.api}`;
let kept = false;

// The session has ended, or the page comes again in another language: what was changed waits in this tab until it is back.
document.addEventListener("leaving", () => {
  for (const form of saved.keys()) {
    const names = Object.keys(changesOf(form));
    const states = names.map((name) => [name, fieldsOf(form, name).map(({ value, checked, dataset }) => ({ value, checked, unset: dataset.unset }))]);
    if (names.length) sessionStorage.setItem(draftOf(form), JSON.stringify(states));
  }
  kept = true;
});

for (const form of saved.keys()) {
  const draft = JSON.parse(sessionStorage.getItem(draftOf(form)) ?? "[]");
  sessionStorage.removeItem(draftOf(form));
  for (const [name, states] of draft) {
    fieldsOf(form, name).forEach((field, index) => {
      const { value, checked, unset } = states[index];
      Object.assign(field, { value, checked });
      if (unset) field.dataset.unset = unset;
    });
  }
  if (draft.length) toast(t("What you had not saved is here again."));
}

addEventListener("beforeunload", (event) => {
  if (!kept && [...saved.keys()].some((form) => Object.keys(changesOf(form)).length)) event.preventDefault();
});

// -- sending

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  forgive(form);
  const said = $('[role="alert"]', form);
  const button = event.submitter;
  const amends = saved.has(form);
  const values = amends ? changesOf(form) : valuesOf(form);
  said.textContent = "";
  button.disabled = true;
  try {
    const answer = amends ? await amend(form, values) : await api(form.dataset.method, form.dataset.api, { json: documentOf(values) });
    form.closest("dialog")?.close();
    if (form.closest("dialog")) form.reset();
    if (button.dataset.said) toast(button.dataset.said);
    if (form.dataset.changes) htmx.trigger(`#${form.dataset.changes}`, "changed");
    form.dispatchEvent(new CustomEvent("saved", { detail: answer, bubbles: true }));
  } catch (error) {
    said.textContent = refuse(form, error.message, values);
  } finally {
    button.disabled = false;
  }
});

// -- colours: one that is not set shows what the widget takes for it

function showColours() {
  for (const field of $$('[data-kind="colour"]')) {
    const { unset, comes, follows } = field.dataset;
    const followed = document.getElementById(follows);
    if (unset === "true") field.value = followed?.dataset.unset === "false" ? followed.value : comes;
    $(`[data-unsets="${field.id}"]`).setAttribute("aria-pressed", unset);
  }
}
function setColour(field, unset) {
  field.dataset.unset = unset;
  showColours();
}
document.addEventListener("input", ({ target }) => { if (target.dataset?.kind === "colour") setColour(target, false); });
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-unsets]");
  if (button) setColour(document.getElementById(button.dataset.unsets), true);
});
showColours();
