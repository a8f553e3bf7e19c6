// A conversation as its owner reads it: answers with their citations, and the documents that a correction relies on.

import { body } from "./answer.js";
import { api } from "./api.js";
import { $, $$, el, icon } from "./dom.js";
import { watch } from "./drafts.js";
import { complain } from "./toast.js";
import { t } from "./words.js";

// -- answers: Markdown, whose citations lead to their passages. Without this script they are read as they were written.

const at = ({ document_id: id, version, start, end, page }) => `/documents/${id}?${new URLSearchParams({ version, start, end, ...(page ? { page } : {}) })}`;

customElements.define("answer-text", class extends HTMLElement {
  connectedCallback() {
    const citations = JSON.parse(this.dataset.citations);
    this.classList.remove("spoken");
    this.replaceChildren(body(this.textContent, citations, (citation) => location.assign(at(citation))));
  }
});

// -- a turn that was corrected is another element: whoever had the focus in it goes on there

document.addEventListener("htmx:afterSwap", ({ target, detail: { requestConfig } }) => {
  const isCorrected = target.matches?.(".exchange") && requestConfig.verb !== "get";
  if (isCorrected && document.activeElement === document.body) target.focus({ preventScroll: true });
});

// -- what a correction relies on

// Of the page, and of a turn that was drawn anew.
document.addEventListener("htmx:load", ({ target }) => $$(".correct form", target).forEach((form) => watch(form, ({ value, label }) => rely(form, value, label))));

const DELAY = 250;
let waiting = null;

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-finds]")) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => find(target).catch(complain), DELAY);
});
document.addEventListener("keydown", (event) => {
  // Enter would send the form.
  if (event.key !== "Enter" || !event.target.matches?.("[data-finds]")) return;
  event.preventDefault();
  $("button", found(event.target))?.click();
});

const found = (field) => $(".found", field.closest("fieldset"));

async function find(field) {
  const words = field.value.trim();
  if (!words) return found(field).replaceChildren();
  const { items } = await api("GET", `/v1/documents?limit=6&q=${encodeURIComponent(words)}`);
  if (field.value.trim() !== words) return;
  const chosen = new Set($$('[name="documents"]', field.closest("fieldset")).map((box) => box.value));
  const left = items.filter(({ id }) => !chosen.has(id));
  found(field).replaceChildren(...(left.length ? left.map((each) => suggestion(field, each)) : [el("p.small.soft", {}, t("No other document has that name."))]));
}

function rely(form, id, title) {
  $(".chosen", form).append(el("label.check", {}, el("input", { type: "checkbox", name: "documents", value: id, "data-kind": "list", checked: true }), el("span", {}, title)));
}

function suggestion(field, { id, title }) {
  return el("button.button.compact", { type: "button", onclick: () => {
    rely(field.form, id, title);
    field.value = "";
    found(field).replaceChildren();
    field.focus();
  } }, icon("plus"), title);
}
