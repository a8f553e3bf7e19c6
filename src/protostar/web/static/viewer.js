// A document's source beside its citations: its text in windows, or its pages as images, with a passage marked.

import { api, inSpace, request } from "./api.js";
import { el, icon } from "./dom.js";
import { complain } from "./toast.js";
import { t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 900; // pixels before an edge at which more is fetched
const WINDOW = 8000; // code points that are fetched at a time
const KEPT = 6; // windows that stay in the page: a text may have millions of characters

// Scrolls through a text of any length; offsets count code points, as the server's do.
export class TextView {
  #first = 0; // where the windows that are shown begin and end
  #next = 0;
  #ended = false;
  #busy = false;

  constructor(frame, { document: id, version, start = 0, end = 0 }) {
    Object.assign(this, { frame, id, version, start, end });
    this.text = el("div.text", { lang: "" });
    frame.replaceChildren(this.text);
    frame.onscroll = () => this.#follow();
  }

  // Show the window around the passage, the passage in the middle of the view.
  async open() {
    this.#first = this.#next = Math.max(0, this.start - WINDOW / 4);
    await this.#append();
    if (this.end > this.#next && !this.#ended) await this.#append();
    const mark = this.text.querySelector("mark");
    if (mark) this.frame.scrollTop += mark.getBoundingClientRect().top - this.frame.getBoundingClientRect().top - this.frame.clientHeight / 3;
    else this.frame.scrollTop = 0;
    await this.#follow();
  }

  async #fetch(start, end) {
    const response = await request("GET", `/v1/documents/${this.id}/text?version=${this.version}&start=${start}&end=${end}`);
    return [...(await response.text())];
  }

  #window(at, characters) {
    const [from, to] = [this.start - at, this.end - at].map((offset) => Math.min(Math.max(offset, 0), characters.length));
    const piece = (begin, end) => characters.slice(begin, end).join("");
    const span = el("span", {}, piece(0, from));
    if (to > from) span.append(el("mark", {}, piece(from, to)));
    span.append(piece(to));
    span.dataset.length = characters.length;
    return span;
  }

  async #append() {
    const characters = await this.#fetch(this.#next, this.#next + WINDOW);
    this.#ended = characters.length < WINDOW;
    this.text.append(this.#window(this.#next, characters));
    this.#next += characters.length;
    while (this.text.childElementCount > KEPT) {
      const gone = this.text.firstElementChild;
      this.#first += Number(gone.dataset.length);
      this.#keepPlace(() => gone.remove());
    }
  }

  async #prepend() {
    const start = Math.max(0, this.#first - WINDOW);
    const characters = await this.#fetch(start, this.#first);
    this.#keepPlace(() => this.text.prepend(this.#window(start, characters)));
    this.#first = start;
    while (this.text.childElementCount > KEPT) {
      const gone = this.text.lastElementChild;
      this.#next -= Number(gone.dataset.length);
      this.#ended = false;
      gone.remove();
    }
  }

  // What is read stays where it is while something above it comes or goes.
  #keepPlace(change) {
    const fromEnd = this.frame.scrollHeight - this.frame.scrollTop;
    change();
    this.frame.scrollTop = this.frame.scrollHeight - fromEnd;
  }

  // More of the text wherever the view comes near the edge of what is there.
  async #follow() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (;;) {
        const { scrollTop, scrollHeight, clientHeight } = this.frame;
        if (!this.#ended && scrollHeight - scrollTop - clientHeight < MARGIN) await this.#append();
        else if (this.#first > 0 && scrollTop < MARGIN) await this.#prepend();
        else return;
      }
    } catch (error) {
      complain(error);
    } finally {
      this.#busy = false;
    }
  }
}

// The pages of a PDF as images, one at a time, with the passage's places on it.
export class PageView {
  constructor(frame, { document: id, version, page = 1, pages = null, start = 0, end = 0 }) {
    Object.assign(this, { frame, id, version, page, pages, start, end });
    this.image = el("img", { alt: "" });
    this.marks = document.createElementNS(SVG, "svg");
    this.marks.setAttribute("viewBox", "0 0 1 1");
    this.marks.setAttribute("preserveAspectRatio", "none");
    this.marks.setAttribute("aria-hidden", "true");
    this.number = el("span.number", { role: "status" });
    this.back = el("button.button.compact.icon-only", { type: "button", "aria-label": t("Previous page"), onclick: () => this.show(this.page - 1) }, icon("previous"));
    this.on = el("button.button.compact.icon-only", { type: "button", "aria-label": t("Next page"), onclick: () => this.show(this.page + 1) }, icon("next"));
    frame.onscroll = null;
    frame.replaceChildren(el("div.page-bar.row", {}, this.back, this.number, this.on), el("div.sheet", {}, this.image, this.marks));
  }

  open() {
    return this.show(this.page);
  }

  async show(page) {
    this.page = page;
    this.image.alt = t("Page {page}", { page });
    this.image.src = inSpace(`/v1/documents/${this.id}/pages/${page}?version=${this.version}`);
    this.marks.replaceChildren();
    this.back.disabled = page <= 1;
    this.on.disabled = this.pages !== null && page >= this.pages;
    this.number.textContent = this.pages ? t("Page {page} of {pages}", { page, pages: this.pages }) : t("Page {page}", { page });
    if (this.end <= this.start) return;
    const path = `/v1/documents/${this.id}/pages/${page}/boxes?version=${this.version}&start=${this.start}&end=${this.end}`;
    const { boxes } = await api("GET", path);
    if (page !== this.page) return;
    for (const box of boxes) {
      const mark = document.createElementNS(SVG, "rect");
      for (const name of ["x", "y", "width", "height"]) mark.setAttribute(name, box[name]);
      this.marks.append(mark);
    }
    if (this.image.decode) await this.image.decode().catch(() => {});
    const first = this.marks.firstElementChild;
    if (first) this.frame.scrollTop += first.getBoundingClientRect().top - this.frame.getBoundingClientRect().top - this.frame.clientHeight / 3;
  }
}
