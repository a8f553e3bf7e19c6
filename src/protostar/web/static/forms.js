// Forms that speak JSON to the API: `data-api` says where to, the names of fields where in the document they stand.

import { api } from "./api.js";
import { $, $$ } from "./dom.js";
import { toast } from "./toast.js";
import { told } from "./words.js";

// «settings.theme.accent» → {settings: {theme: {accent: …}}}, on top of what `data-settings` holds already.
export function documentOf(form) {
  const made = form.dataset.settings ? { settings: JSON.parse(form.dataset.settings) } : {};
  for (const name of new Set([...form.elements].map((field) => field.name).filter(Boolean))) {
    const path = name.split(".");
    const last = path.pop();
    const at = path.reduce((place, key) => (place[key] ??= {}), made);
    at[last] = valueOf($$(`[name="${name}"]`, form));
  }
  return made;
}

function valueOf(fields) {
  const [field] = fields;
  const kinds = {
    list: () => fields.filter((each) => each.checked).map((each) => each.value),
    lines: () => field.value.split("\n").map((line) => line.trim()).filter(Boolean),
    number: () => (field.value === "" ? null : Number(field.value)),
    colour: () => (field.dataset.unset === "true" ? null : field.value),
  };
  return (kinds[field.dataset.kind] ?? (() => field.value.trim()))();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  const said = $('[role="alert"]', form);
  const button = event.submitter;
  said.textContent = "";
  $$('[aria-invalid]', form).forEach((field) => field.removeAttribute("aria-invalid"));
  button.disabled = true;
  try {
    const answer = await api(form.dataset.method, form.dataset.api, { json: documentOf(form) });
    form.closest("dialog")?.close();
    if (form.closest("dialog")) form.reset();
    if (button.dataset.said) toast(button.dataset.said);
    if (form.dataset.changes) htmx.trigger(`#${form.dataset.changes}`, "changed");
    form.dispatchEvent(new CustomEvent("saved", { detail: answer, bubbles: true }));
  } catch (error) {
    said.textContent = told(error.message);
    // «settings.persona: …»: the field that is meant.
    const name = /^([\w.]+?)(\.\d+)?: /.exec(error.message)?.[1];
    const field = name && $(`[name="${name}"]`, form);
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  } finally {
    button.disabled = false;
  }
});

document.addEventListener("input", (event) => {
  if (event.target.dataset?.kind === "colour") event.target.dataset.unset = "false";
});
document.addEventListener("click", (event) => {
  const unsets = event.target.closest("[data-unsets]");
  if (unsets) document.getElementById(unsets.dataset.unsets).dataset.unset = "true";
});
