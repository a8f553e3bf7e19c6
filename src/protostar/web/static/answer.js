// An answer as it is shown: its text with citations, what it had to do without, its sources.

import { el, icon } from "./dom.js";
import { markdown } from "./markdown.js";
import { t } from "./words.js";

const DEGRADED = {
  no_chat_model: "No chat model wrote this: it quotes the best passages.",
  no_citations: "The model named no source for this: it may be wrong. See the passages that were found.",
  incomplete: "This answer is cut off: it had become too long.",
  no_embeddings: "The embedding model did not answer: this was found by keywords alone.",
  no_redis: "Redis is away: answers are not cached, and a broken connection cannot be taken up.",
  stale: "The database is away: this is an earlier answer, or settings of some minutes ago.",
};

export const degraded = (reasons) => reasons.map((reason) => el("p.notice.warn.small", {}, icon("warning"), el("span", {}, t(DEGRADED[reason] ?? reason))));

// Where a citation points, in words, behind what stands first.
export const place = (citation, first = citation.document_title) =>
  [first, citation.page ? t("Page {page}", { page: citation.page }) : null, citation.heading_path.join(" › ")].filter(Boolean).join(" · ");

// The answer's text. Markers are buttons: their quote shows on hover and focus, `open(citation)` is called on a click.
export function body(text, citations, open) {
  const known = new Map(citations.map((citation) => [citation.marker, citation]));
  return el("div.answer-text", { dir: "auto" }, ...markdown(text, (number) => chip(number, known.get(number), open)));
}

function chip(number, citation, open) {
  if (!citation) return el("span.chip", {}, String(number));
  const label = t("Source {number}: {place}", { number, place: place(citation) });
  const button = el("button.chip", { type: "button", "aria-label": label, "aria-describedby": "quote", onclick: () => { hide(); open(citation); } }, String(number));
  for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => show(button, citation));
  for (const event of ["pointerleave", "blur"]) button.addEventListener(event, hide);
  return button;
}

let bubble = null;
let told = null;

function show(button, citation) {
  told = button;
  bubble ??= document.body.appendChild(el("div.bubble", { id: "quote", role: "tooltip", popover: "manual" }));
  bubble.replaceChildren(el("p.quote", {}, citation.quote), el("p.small.soft", {}, place(citation)));
  bubble.showPopover();
  settle();
}

function settle() {
  const at = told.getBoundingClientRect();
  const below = at.bottom + bubble.offsetHeight + 12 < innerHeight;
  bubble.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - bubble.offsetHeight - 6)}px`;
  bubble.style.left = `${Math.max(8, Math.min(at.left - 24, innerWidth - bubble.offsetWidth - 8))}px`;
}

function hide() {
  if (bubble?.matches(":popover-open")) bubble.hidePopover();
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
// Who comes by keyboard makes the page scroll to where they are.
document.addEventListener("scroll", () => (told !== null && told === document.activeElement && bubble.matches(":popover-open") ? settle() : hide()), { capture: true, passive: true });

// The answer with its sources as footnotes, for pasting elsewhere.
export function asMarkdown({ question, text, citations }) {
  const notes = citations.map((citation) => `[^${citation.marker}]: ${place(citation)}: “${citation.quote.replace(/\s+/g, " ")}”`);
  return [`> ${question.replaceAll("\n", "\n> ")}`, text.replace(/\[(\d{1,3})\](?!\()/g, "[^$1]"), ...(notes.length ? [notes.join("\n")] : [])].join("\n\n") + "\n";
}
