// Forms that speak JSON to the API: `data-api` says where to, the names of fields where in the document they stand.

import { api } from "./api.js";
import { $, $$ } from "./dom.js";
import { changesOf, settle, watch } from "./drafts.js";
import { forgive, refuse } from "./faults.js";
import { valuesOf } from "./fields.js";
import { toast } from "./toast.js";

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

// -- forms that change what is there: only what was changed in them is sent, as another tab may have changed the rest

$$("form[data-api]").forEach((form) => watch(form));

// A PATCH replaces what is nested as a whole: it is read anew first.
async function amend(form, changes) {
  const { method, api: path } = form.dataset;
  const nested = Object.keys(changes).some((name) => name.includes("."));
  const answer = await api(method, path, { json: documentOf(changes, nested ? await api("GET", path) : {}) });
  settle(form, changes);
  return answer;
}

// -- sending

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  forgive(form);
  const said = $('[role="alert"]', form);
  const button = event.submitter;
  const amends = form.dataset.method === "PATCH";
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
