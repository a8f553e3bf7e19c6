// The list of documents: taking files in, following those that are being read, and what can be done with each.

import "./forms.js";
import { api, request } from "./api.js";
import { $, $$, el, icon } from "./dom.js";
import { complain, toast } from "./toast.js";
import { chosen, dropped, Queue, Upload } from "./upload.js";
import { size, t, told } from "./words.js";

const POLL = 1500;
const REFRESH = 2000;
const MANY = 200; // finished uploads that stay in the list
const UNSUPPORTED = 415;

// -- uploads

const panel = $("#uploads");
const limit = Number(panel.dataset.limit);
const queue = new Queue();
let uploads = [];

function take(files, options = {}) {
  const wanted = files.filter(({ name }) => !name.split("/").some((part) => part.startsWith("."))); // .git, .DS_Store
  if (!wanted.length) return;
  const added = wanted.map(({ file, name }) => new Upload(file, { name, ...options }));
  for (const upload of added) {
    $("#upload-list").append(line(upload));
    if (upload.file.size > limit) {
      upload.error = new Error(t("Larger than the {limit} that an upload may have.", { limit: size(limit) }));
      upload.change("failed");
    } else if (upload.file.size === 0) {
      upload.error = new Error(t("The file is empty."));
      upload.change("failed");
    }
  }
  uploads.push(...added);
  panel.hidden = false;
  queue.add(...added.filter((upload) => !upload.ended));
  summarise();
}

function line(upload) {
  const bar = el("progress", { max: Math.max(1, upload.file.size), value: 0, "aria-label": upload.name });
  const said = el("span.small.soft.said.number");
  const stop = el("button.button.plain.compact.icon-only", { type: "button", "aria-label": t("Cancel {name}", { name: upload.name }), onclick: () => upload.cancel() }, icon("close"));
  const item = upload.item = el("li", {}, el("div.grow", {}, el("p.name", { title: upload.name }, upload.name), said), stop, bar);
  upload.show = () => {
    bar.value = upload.sent;
    bar.hidden = !["sending", "later"].includes(upload.state);
    stop.hidden = upload.ended;
    item.classList.toggle("failed", upload.state === "failed");
    said.textContent = {
      waiting: () => size(upload.file.size),
      sending: () => `${size(upload.sent)} / ${size(upload.file.size)}`,
      later: () => (upload.error.status ? t("The server is busy; this is tried again soon.") : navigator.onLine ? t("The connection broke. Trying again…") : t("You are offline. This goes on as soon as you are connected.")),
      taken: () => size(upload.file.size),
      sent: () => t("Uploaded"),
      failed: () => told(why(upload.error)),
      cancelled: () => t("Cancelled"),
    }[upload.state]();
    if (upload.state === "failed") $("#upload-list").prepend(item);
    if (upload.state === "failed" && mayPass(upload.error) && !item.querySelector(".again")) {
      stop.before(el("button.button.compact.again", { type: "button", onclick: (event) => { event.target.remove(); upload.change("waiting"); queue.add(upload); summarise(); } }, t("Retry")));
    }
    upload.asked?.remove();
    if (upload.state === "taken") ask(upload);
    if (upload.ended || upload.state === "taken") summarise();
  };
  upload.show();
  return item;
}

// Which kinds are supported is said once, in the head of the panel.
const why = ({ status, message }) => (status === UNSUPPORTED ? message.replace(/ Protostar reads .+/, "") : message);

// Whether the same file may be taken another time. 0: the connection's.
const mayPass = ({ status }) => [0, 401, 408, 429].includes(status) || status >= 500;

// -- a name that is taken: whether a file replaces that document is its owner's to say

function ask(upload) {
  const { name, key, namesakes } = upload;
  const n = namesakes.length;
  const choice = (label, named, id) => el("button.button.compact", { type: "button", "aria-label": named, onclick: () => decide(upload, id) }, label);
  upload.asked = el("div.taken", { role: "group", "aria-labelledby": `asked-${key}` },
    el("p.small", { id: `asked-${key}` }, n > 1
      ? t("{n} documents with this file name are here already, with other content. Does it replace the newest of them?", { n })
      : t("A document with this file name is here already, with other content. Does it replace that one?")),
    el("div.row", {}, choice(t("Replace"), t("Replace: {name}", { name }), namesakes[0]), choice(t("Keep both"), t("Keep both: {name}", { name }), null)));
  upload.item.append(upload.asked);
  $("#upload-list").prepend(upload.item);
}

function decide(upload, id) {
  const focused = upload.asked?.contains(document.activeElement);
  upload.become(id);
  queue.add(upload);
  if (focused) ($("#upload-list .taken button") ?? $("#uploads-title")).focus();
  summarise();
}

function decideAll(choose) {
  uploads.filter((upload) => upload.asked?.isConnected).forEach((upload) => decide(upload, choose(upload)));
  $("#uploads-title").focus();
}

$("#keep-all").addEventListener("click", () => decideAll(() => null));
$("#replace-all").addEventListener("click", () => {
  const replaced = new Set();
  decideAll(({ namesakes }) => {
    const id = namesakes.find((id) => !replaced.has(id));
    replaced.add(id);
    return id;
  });
});

let refreshing = null;

function summarise() {
  const left = uploads.filter((upload) => !upload.ended).length;
  const failed = uploads.filter((upload) => upload.state === "failed").length;
  const asked = $$("#upload-list .taken").length;
  $("#uploads-title").textContent = asked ? t("Your answer is needed: {asked} of {all} files", { asked, all: uploads.length })
    : left ? t("Uploading: {left} of {all} left", { left, all: uploads.length })
    : failed ? t("Uploads done; {failed} failed", { failed }) : t("Uploads done");
  $("#formats").hidden = !uploads.some((upload) => upload.state === "failed" && upload.error.status === UNSUPPORTED);
  $("#cancel-uploads").hidden = !left;
  $("#replace-all").hidden = $("#keep-all").hidden = asked < 2;
  $("#close-uploads").hidden = Boolean(left);
  // Now and then while files arrive, however fast they do, and once at the end.
  if (!left) { clearTimeout(refreshing); refreshing = null; }
  refreshing ??= setTimeout(() => { refreshing = null; refresh(); }, left ? REFRESH : 100);
  if (!left && uploads.length > MANY) forget();
}

function forget() {
  uploads = uploads.filter((upload) => !upload.ended || upload.state === "failed");
  $$("#upload-list li:not(.failed)").forEach((item) => item.remove());
}

$("#cancel-uploads").addEventListener("click", () => uploads.forEach((upload) => upload.cancel()));
$("#close-uploads").addEventListener("click", () => {
  uploads = [];
  $("#upload-list").replaceChildren();
  panel.hidden = true;
});
addEventListener("beforeunload", (event) => {
  if (uploads.some((upload) => !upload.ended)) event.preventDefault();
});

// A URL that was added.
document.addEventListener("saved", refresh);
$("#by-url").addEventListener("close", ({ target }) => {
  $("form", target).reset();
  $('[role="alert"]', target).textContent = "";
  $("#url").removeAttribute("aria-invalid");
});

// -- choosing and dropping

let replaced = null;

document.addEventListener("click", (event) => {
  const pick = event.target.closest("[data-pick]");
  if (pick) $(`#${pick.dataset.pick}`).click();
});
for (const id of ["files", "folder"]) {
  $(`#${id}`).addEventListener("change", ({ target }) => { take(chosen(target.files), { newName: true }); target.value = ""; });
}
$("#replacement").addEventListener("change", ({ target }) => {
  if (target.files.length) take(chosen(target.files), { method: "PUT", path: `/v1/documents/${replaced}/content` });
  target.value = "";
});

let depth = 0;
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

addEventListener("dragenter", (event) => {
  if (!holdsFiles(event)) return;
  depth++;
  $("#drop").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (holdsFiles(event) && --depth <= 0) { depth = 0; $("#drop").hidden = true; }
});
addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
addEventListener("drop", async (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  depth = 0;
  $("#drop").hidden = true;
  take(await dropped(event.dataTransfer).catch((error) => { complain(error); return []; }), { newName: true });
});

// -- the list

function refresh() {
  if (document.activeElement?.closest("#list [popover]")) return;
  return htmx.ajax("GET", location.pathname + location.search, { target: "#list", headers: {} }).catch(() => {});
}

// Where who works by keyboard goes on: at the row of that document, else at the heading.
const rowOf = (id) => $(`#rows tr[data-id="${id}"]`);
function goOnAt(id) {
  const row = rowOf(id);
  ((row && $('.menu > button, [data-action="restore"]', row)) ?? $("h1")).focus();
}
function neighbour(id) {
  const row = rowOf(id);
  return (row?.nextElementSibling ?? row?.previousElementSibling)?.dataset.id;
}

// Draws the list anew. `next`: where the focus goes if it was lost with its row.
async function redraw(next) {
  await refresh();
  if (document.activeElement === document.body) goOnAt(next);
}

async function follow() {
  const working = $$('#rows tr[data-status="queued"], #rows tr[data-status="processing"]');
  if (working.length && document.visibilityState === "visible") {
    // Of those that just wait only the ones are sent that do no longer.
    const waits = (row) => row.dataset.status === "queued" && !$(".waits", row);
    const ids = working.map((row) => `${waits(row) ? "queued" : "id"}=${row.dataset.id}`).join("&");
    await htmx.ajax("GET", `/documents/rows?${ids}`, { target: "#list", swap: "none" }).catch(() => {});
  }
  setTimeout(follow, POLL);
}
setTimeout(follow, POLL);

// A row that has not changed is left alone: somebody may be reading, or have the focus in it.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  const row = fragment.firstElementChild;
  if (row?.tagName === "TR" && target.contains($(":popover-open"))) event.detail.shouldSwap = false;
});

const ACTIONS = {
  async retry({ id, job }) {
    await api("POST", `/v1/jobs/${job}/retry`);
    await redraw(id);
  },
  async replace({ id }) {
    replaced = id;
    $("#replacement").click();
  },
  async delete({ id, title, byKey }) {
    const next = neighbour(id);
    await request("DELETE", `/v1/documents/${id}`);
    await redraw(next);
    offerBack({ id, title, byKey }, next);
  },
  async restore({ id }) {
    await restore(id, neighbour(id));
  },
};

// The server keeps what is deleted for a while: also who leaves the page can take it back, in the list of deleted documents.
function offerBack({ id, title, byKey }, next) {
  toast(t("“{title}” is deleted.", { title }), { action: t("Undo"), act: () => restore(id, id).catch(complain), take: byKey, left: () => goOnAt(next) });
}

async function restore(id, next) {
  const { title } = await api("POST", `/v1/documents/${id}/restore`);
  await redraw(next);
  toast(t("“{title}” is restored.", { title }));
}

// A document that was deleted on its own page.
const deleted = JSON.parse(sessionStorage.getItem("deleted") ?? "null");
if (deleted) {
  sessionStorage.removeItem("deleted");
  offerBack(deleted);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  const row = button?.closest("tr");
  if (!row) return;
  button.disabled = button.dataset.action !== "replace"; // what is done has its row drawn anew, and would be refused a second time
  ACTIONS[button.dataset.action]({ ...row.dataset, byKey: event.detail === 0 }).catch((error) => {
    button.disabled = false;
    complain(error);
    if (error.status === 404) redraw(neighbour(row.dataset.id)); // it was deleted elsewhere
  });
});
