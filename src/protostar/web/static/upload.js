// Uploads: a few at a time, each with its progress; what the server has no room for at the moment is tried again when it says.

import { headers, pause, Problem, signIn } from "./api.js";

const AT_ONCE = 3;
const ATTEMPTS = 12; // in a row, about two minutes where every one fails at once
const SILENCE = 90_000; // ms in which nothing is sent or answered: more than the server waits

// One file on its way. `show()` is called at each change of `state`: waiting, sending, later, taken, sent, failed or cancelled.
// `newName`: it is `taken`, and waits to be told, where documents (`namesakes`, the newest first) have its name with other content.
export class Upload {
  constructor(file, { name = file.name, method = "POST", path = "/v1/documents", newName = false } = {}) {
    Object.assign(this, { file, name, method, path, newName, state: "waiting", sent: 0, error: null, document: null, namesakes: [] });
    this.key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    this.show = () => {};
  }

  get ended() {
    return ["sent", "failed", "cancelled"].includes(this.state);
  }

  cancel() {
    if (this.ended) return;
    this.change("cancelled");
    this.request?.abort();
    this.wake?.();
  }

  // What a taken one is from here on: the next version of the document, or without one a document of its own.
  become(id) {
    if (id) Object.assign(this, { method: "PUT", path: `/v1/documents/${id}/content` });
    this.newName = false;
    this.change("waiting");
  }

  change(state) {
    this.state = state;
    this.show(this);
  }

  async run() {
    for (let attempt = 1; this.state !== "cancelled";) {
      this.sent = 0;
      this.change("sending");
      try {
        this.document = await this.send();
        return this.change("sent");
      } catch (error) {
        if (this.state === "cancelled") return;
        this.error = error;
        if (error.status === 401) signIn();
        if (error.code === "name_taken") {
          this.namesakes = error.documents;
          return this.change("taken");
        }
        // 0: the connection broke. The Idempotency-Key makes a repetition the same upload.
        if (![0, 429, 502, 503, 504].includes(error.status) || attempt === ATTEMPTS) return this.change("failed");
        this.change("later");
        if (navigator.onLine) attempt++; // those of a device that knows itself offline do not count
        await this.wait(error.retryAfter ?? Math.min(20, 2 ** attempt) * (0.5 + Math.random() / 2));
      }
    }
  }

  // Ends early when it is cancelled, and when the device is connected again.
  async wait(seconds) {
    const over = new AbortController();
    this.wake = () => over.abort();
    await pause(Math.min(120, seconds), over.signal);
  }

  send() {
    return new Promise((resolve, reject) => {
      const request = this.request = new XMLHttpRequest(); // fetch does not tell how far an upload is
      request.open(this.method, `${this.path}?filename=${encodeURIComponent(this.name)}${this.newName ? "&new_name=true" : ""}`);
      request.responseType = "json";
      for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
      request.setRequestHeader("Content-Type", this.file.type && !/json|multipart/.test(this.file.type) ? this.file.type : "application/octet-stream");
      request.setRequestHeader("Idempotency-Key", this.key);
      let silence;
      const alive = () => {
        clearTimeout(silence);
        silence = setTimeout(() => request.abort(), SILENCE);
      };
      request.addEventListener("loadend", () => clearTimeout(silence));
      request.upload.addEventListener("progress", (event) => { alive(); this.sent = event.loaded; this.show(this); });
      request.addEventListener("load", () => {
        const after = Number.parseFloat(request.getResponseHeader("Retry-After"));
        if (request.status < 300) resolve(request.response);
        else reject(new Problem(request.status, request.response, Number.isFinite(after) ? after : null));
      });
      const broken = () => reject(new Problem(0, { detail: "The connection broke." }));
      request.addEventListener("error", broken);
      request.addEventListener("abort", broken);
      request.send(this.file);
      alive();
    });
  }
}

// Runs uploads in the order in which they came, `AT_ONCE` at a time.
export class Queue {
  #waiting = [];
  #running = 0;

  add(...uploads) {
    this.#waiting.push(...uploads);
    while (this.#running < AT_ONCE && this.#waiting.length) this.#next();
  }

  async #next() {
    const upload = this.#waiting.shift();
    if (upload === undefined) return;
    this.#running++;
    if (!upload.ended) await upload.run();
    this.#running--;
    this.#next();
  }
}

// Of chosen files, each with its name; one that lies in a chosen folder has a name with that folder and the way to it.
export const chosen = (files) => [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));

// The same of what was dropped, folders being walked; what hides (.git) is not walked into.
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return entries.length ? files : chosen(transfer.files);
}

async function walk(entry, files) {
  if (entry.name.startsWith(".")) return;
  if (entry.isFile) {
    files.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name: entry.fullPath.slice(1) });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at most each time
    if (!batch.length) return;
    for (const child of batch) await walk(child, files);
  }
}
