// A document's source beside its citations: its text in windows, with a passage marked.

import { api } from "./api.js";
import { el } from "./dom.js";
import { complain, lost } from "./toast.js";
import { t } from "./words.js";

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
    frame.onscroll = () => this.#follow();
  }

  // Show the window around the passage, the passage in the middle of the view.
  async open() {
    const loading = el("progress", { "aria-label": t("Loading") });
    this.frame.replaceChildren(loading, this.text);
    this.#first = this.#next = Math.max(0, this.start - WINDOW / 4);
    try {
      await this.#append();
      if (this.end > this.#next && !this.#ended) await this.#append();
    } catch (error) {
      this.text.replaceChildren();
      loading.replaceWith(lost(error, () => this.open()));
      return;
    }
    loading.remove();
    const mark = this.text.querySelector("mark");
    if (mark) this.frame.scrollTop += mark.getBoundingClientRect().top - this.frame.getBoundingClientRect().top - this.frame.clientHeight / 3;
    else this.frame.scrollTop = 0;
    await this.#follow();
  }

  async #fetch(start, end) {
    return [...(await api("GET", `/v1/documents/${this.id}/text?version=${this.version}&start=${start}&end=${end}`, { as: "text" }))];
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
