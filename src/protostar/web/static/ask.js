// Asking: the conversation on one side, the source of what is cited on the other.

import { asMarkdown, body, degraded, place } from "./answer.js";
import { api, passes, space } from "./api.js";
import { copy } from "./app.js";
import { $, $$, el, icon } from "./dom.js";
import { PageView } from "./pages.js";
import { ask, asking } from "./stream.js";
import { failure, lost } from "./toast.js";
import { TextView } from "./viewer.js";
import { number, t, told } from "./words.js";

const form = $("#ask");
const field = $("#question");
const thread = $("#thread");
const KEPT = "asked"; // in the session's storage: the question under way
const SETTLED = 500; // ms after sending in which a press of the button is the second of a double click, and does not stop
let conversation = null;
let running = null;
let sent = 0;

// -- asking

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) {
    if (performance.now() - sent > SETTLED) running.abort();
    return;
  }
  const question = field.value.trim();
  if (!question) return;
  field.value = "";
  fit();
  turn(asking({ question, conversation_id: conversation }));
});
field.addEventListener("keydown", (event) => {
  // Enter ends a syllable of Hangul before it ends a question.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!running) form.requestSubmit();
  }
});
field.addEventListener("input", fit);
document.addEventListener("click", (event) => {
  const starter = event.target.closest("[data-starter]");
  if (!starter || running) return;
  hold();
  turn(asking({ question: starter.textContent.trim(), conversation_id: conversation }));
});
$("#anew").addEventListener("click", () => {
  running?.abort();
  history.pushState(null, "", "/ask"); // back leads to the conversation that was left
  if (!source.hidden) hideSource(); // it is of that one
  begin();
  field.focus();
});

// Where there is a keyboard: the one on a screen would cover what the page says first.
if (matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });

// Before that which has the focus goes. Where there is no keyboard, the field would bring up the one on the screen.
function hold() {
  (matchMedia("(pointer: coarse)").matches ? thread : field).focus({ preventScroll: true });
}

function begin() {
  converse(null);
  thread.replaceChildren();
  $("#welcome").hidden = false;
  $("#anew").hidden = true;
}

// The URL names the conversation: who goes to a document and comes back finds it again.
function converse(id) {
  conversation = id;
  history.replaceState(history.state, "", id ? `/ask?c=${id}` : "/ask");
}

function fit() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, 200)}px`;
}

// It is kept until it is answered, for a page that the device throws away and loads again.
const keep = (asked) => sessionStorage.setItem(KEPT, JSON.stringify({ space, asked, conversation }));

// `asked`: as `asking` makes it.
async function turn(asked) {
  const { question } = asked.body;
  running = new AbortController();
  sent = performance.now();
  sending(true);
  keep(asked);
  const shown = added(question, asked.answer);
  try {
    await follow(asked, shown, running.signal);
    sessionStorage.removeItem(KEPT);
  } catch (error) {
    if (!passes(error)) sessionStorage.removeItem(KEPT);
    // What is not there was deleted meanwhile: asked again, the question begins another conversation.
    fail(error.message, shown, () => (passes(error) ? asked : asking({ question, conversation_id: error.status === 404 ? null : conversation })));
  } finally {
    running = null;
    sending(false);
  }
}

// The place of its answer, below a question that is brought to the top: it grows in view, and who scrolls away is left alone.
function added(question, id) {
  const { entry, shown } = made(question, id);
  thread.append(entry);
  const isLong = entry.firstChild.offsetHeight > innerHeight / 2; // of a long question its end is enough
  (isLong ? shown : entry).scrollIntoView({ block: "start" });
  return shown;
}

function made(question, id) {
  $("#welcome").hidden = true;
  $("#anew").hidden = false;
  const shown = el("div.answer");
  return { entry: el("article.turn", { "data-answer": id }, el("h2.asked", {}, question), shown), shown };
}

// `asked`: what is asked then.
function fail(message, shown, asked) {
  const again = () => {
    hold();
    shown.closest(".turn").remove();
    turn(asked());
  };
  shown.replaceChildren(el("p.notice.bad", { role: "alert" }, icon("warning"), el("span", {}, told(message))), el("div.row", {}, el("button.button.compact.again", { type: "button", onclick: again }, icon("retry"), t("Ask again"))));
}

function sending(busy) {
  const button = $("#send");
  button.setAttribute("aria-label", busy ? t("Stop") : t("Ask"));
  button.replaceChildren(icon(busy ? "stop" : "send"));
  $$(".again", thread).forEach((again) => { again.disabled = busy; });
}

async function follow(asked, shown, signal) {
  let text = "";
  let drawn = 0;
  const state = el("p.thinking.soft");
  const tell = (words) => {
    state.textContent = words;
    if (words) say(words);
  };
  const draw = () => {
    drawn = 0;
    shown.replaceChildren(...(text ? [body(text, [], openSource)] : []), state);
  };
  tell(t("Looking through the documents…"));
  draw();
  for await (const event of ask(asked, signal)) {
    if (event.name === "waiting") tell(event.onLine ? t("The connection broke. Trying again…") : t("You are offline. This goes on as soon as you are connected."));
    else tell(text ? "" : t("Looking through the documents…"));
    if (event.name === "start") {
      converse(event.data.conversation_id);
      keep(asked);
      const entry = shown.closest(".turn");
      // Its conversation may have been shown again before it was known to be of it.
      $$(`[data-answer="${asked.answer}"]`, thread).forEach((each) => each !== entry && each.remove());
      entry.dataset.answer = asked.answer;
    }
    if (event.name === "delta") text += event.data.text;
    else if (event.name === "reset") text = "";
    else if (event.name === "error") throw new Error(event.data.problem.detail);
    else if (event.name === "done") {
      cancelAnimationFrame(drawn);
      finish(event.data.answer, shown);
      return say(event.data.answer.text.replace(/ ?\[\d+\]|[*_`#]/g, ""));
    }
    drawn ||= requestAnimationFrame(draw);
  }
  cancelAnimationFrame(drawn);
  draw();
  state.remove();
  stopped(shown);
  say(t("You stopped listening; the answer is kept in the conversation."));
}

// Who listens to the page hears what it waits for and then the whole answer, not every word of it as it comes.
function say(words) {
  const said = $("#said");
  if (said.textContent !== words) said.textContent = words;
}

function stopped(shown) {
  const kept = conversation ? el("a", { href: `/conversations/${conversation}` }, t("Open the conversation")) : null;
  shown.append(el("p.small.soft", {}, t("You stopped listening; the answer is kept in the conversation."), " ", kept));
}

// -- a finished answer

function finish(answer, shown) {
  const sources = answer.citations.map((citation) => el("li", {}, el("button.source", { type: "button", onclick: () => openSource(citation) }, el("span.chip", { "aria-hidden": "true" }, String(citation.marker)), el("span.grow", {}, el("span.source-title", {}, place(citation)), el("span.source-quote", {}, citation.quote)))));
  shown.replaceChildren(
    ...degraded(answer.degraded),
    ...(answer.found === false && !sources.length ? [el("p.notice.small", {}, icon("info"), el("span", {}, t("The documents do not say it.")))] : []),
    body(answer.text, answer.citations, openSource),
    ...(sources.length ? [el("ol.sources", { "aria-label": t("Sources") }, ...sources)] : []),
    el("div.row", {},
      el("button.button.plain.compact", { type: "button", onclick: () => copy(asMarkdown(answer)) }, icon("copy"), t("Copy as Markdown")),
      answer.cached ? el("span.small.soft", {}, t("Answered before, from the cache")) : null,
      answer.usage ? el("span.small.soft", {}, t("{n} tokens", { n: number(answer.usage.prompt_tokens + answer.usage.completion_tokens) })) : null),
    retrieval(answer));
}

// What was found and why: asked for when somebody wants to see it.
function retrieval(answer) {
  const details = el("details.retrieval", {}, el("summary", {}, t("The passages that were found")));
  const load = async () => {
    const loading = details.appendChild(el("progress", { "aria-label": t("Loading") }));
    try {
      const { retrieved } = await api("GET", `/v1/answers/${answer.id}/retrieved`);
      loading.replaceWith(retrieved?.length ? table(retrieved, answer.citations) : el("p.soft.small", {}, retrieved ? t("Nothing was found.") : t("Nothing was looked for.")));
    } catch (error) {
      const said = failure(error, () => { said.remove(); load(); });
      loading.replaceWith(said);
    }
  };
  details.addEventListener("toggle", load, { once: true });
  return details;
}

function table(hits, citations) {
  const best = (name) => Math.max(...hits.map((hit) => hit[name] ?? 0), 1e-9);
  const [keyword, vector] = [best("keyword"), best("vector")];
  const cited = (hit) => citations.some((citation) => citation.document_id === hit.document_id && citation.version === hit.version && citation.start >= hit.start && citation.end <= hit.end);
  const score = (value, most, name) => el("td", { "data-label": name }, value ? el("span.score", {}, el("meter", { min: 0, max: most, value, "aria-label": name }), el("span.number", {}, value.toFixed(2))) : el("span.soft", {}, "–"));
  return el("div.table-scroll", { tabindex: 0 }, el("table.table", {},
    el("thead", {}, el("tr", {}, ...[t("Passage"), t("Keywords"), t("Meaning"), t("Together")].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...hits.map((hit) => el("tr", {},
      el("td", {}, el("button.link", { type: "button", onclick: () => openSource(hit) }, place(hit)), cited(hit) ? el("span.badge.good", {}, t("Cited")) : null),
      score(hit.keyword, keyword, t("Keywords")), score(hit.vector, vector, t("Meaning")), el("td.number", {}, hit.score.toFixed(2)))))));
}

// -- the source

const source = $("#source");
let opener = null;
let wanted = null;

async function openSource(citation) {
  if (!source.contains(document.activeElement)) opener = document.activeElement;
  if (source.hidden && matchMedia("(max-width: 72rem)").matches) history.pushState({ source: true }, "");
  source.hidden = false;
  $(".asking").classList.add("with-source");
  $("#source-title").textContent = citation.document_title;
  $("#source-place").textContent = place(citation, t("Version {n}", { n: citation.version }));
  const where = `version=${citation.version}&start=${citation.start}&end=${citation.end}${citation.page ? `&page=${citation.page}` : ""}`;
  $("#source-link").href = `/documents/${citation.document_id}?${where}`;
  $("#source-title").focus();
  wanted = citation;
  const pane = $("#source-pane");
  pane.replaceChildren(el("progress", { "aria-label": t("Loading") })); // not the source before
  try {
    const View = await viewOf(citation);
    if (wanted !== citation) return;
    const { document_id: id, version, start, end, page } = citation;
    await new View(pane, { document: id, version, start, end, page: page ?? 1 }).open();
  } catch (error) {
    if (wanted === citation) pane.replaceChildren(lost(error, () => openSource(citation)));
  }
}

// Slides and sheets count as pages too, but only a PDF's can be looked at.
const kinds = new Map();
async function viewOf({ document_id: id, version, page }) {
  if (!page) return TextView;
  const name = `${id} ${version}`;
  if (!kinds.has(name)) {
    const { items } = await api("GET", `/v1/documents/${id}/versions`);
    for (const each of items) kinds.set(`${id} ${each.version}`, each.media_type);
  }
  return kinds.get(name) === "application/pdf" ? PageView : TextView;
}

function hideSource() {
  source.hidden = true;
  $(".asking").classList.remove("with-source");
  opener?.focus();
}

const closeSource = () => (history.state?.source ? history.back() : hideSource());

// -- back and forth: out of a source that fills the screen, and between conversations

addEventListener("popstate", () => {
  if (!source.hidden) hideSource();
  const id = new URLSearchParams(location.search).get("c");
  if (id === conversation) return;
  running?.abort();
  begin();
  if (id) restore(id);
});
$("#source-close").addEventListener("click", closeSource);
source.addEventListener("keydown", (event) => { if (event.key === "Escape") closeSource(); });

// -- a page that is loaded again

async function restore(id) {
  converse(id);
  $("#welcome").hidden = true;
  $("#anew").hidden = false;
  const loading = el("progress", { "aria-label": t("Loading") });
  thread.prepend(loading);
  try {
    const { answers } = await api("GET", `/v1/conversations/${encodeURIComponent(id)}`);
    if (conversation !== id) return;
    answers.forEach((answer, at) => showAgain(answer, at === answers.length - 1, loading));
    thread.lastElementChild.scrollIntoView({ block: "start" });
  } catch (error) {
    if (conversation !== id) return;
    if (error.status === 404 || error.status === 422) return begin(); // of another space, deleted, or no id at all
    const said = failure(error, () => { said.remove(); restore(id); });
    thread.prepend(said);
  } finally {
    loading.remove();
  }
}

function showAgain(answer, isLast, loading) {
  if ($(`[data-answer="${answer.id}"]`, thread)) return; // the question under way
  const asked = asking({ question: answer.question, conversation_id: conversation });
  if (answer.state === "running" && isLast && !running) return turn({ ...asked, answer: answer.id });
  const { entry, shown } = made(answer.question, answer.id);
  loading.before(entry);
  if (answer.state === "done") finish(answer, shown);
  else if (answer.state === "failed") fail(answer.error?.detail ?? "This answer was not finished.", shown, () => asked);
  else stopped(shown);
}

const left = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
const isLeft = left?.space === space;
const before = isLeft ? left.conversation : new URLSearchParams(location.search).get("c");
if (before) restore(before);
if (isLeft) turn(left.asked);
