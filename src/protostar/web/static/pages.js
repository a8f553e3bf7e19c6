// The pages of a PDF beside its citations: as images, with a passage marked.

import { api, request, space } from "./api.js";
import { $, el, icon, svg } from "./dom.js";
import { lost } from "./toast.js";
import { t } from "./words.js";

const AHEAD = "100%"; // of the view, within which a page is drawn before it is seen
const PASSING = 120; // milliseconds that a page has to stay before it is drawn: who scrolls far passes many
const STEP = 400; // pixels: one image serves views of about one width
const WIDEST = 2000; // pixels of an image
const TRIES = 4;

// Offsets count code points of the stored text, as the server's do. `page`: where to begin, until it is known where the passage stands.
export class PageView {
  #timers = new Map();

  constructor(frame, { document: id, version, start = 0, end = 0, page = 1 }) {
    Object.assign(this, { frame, id, version, start, end, page });
    this.path = `/v1/documents/${id}/pages`;
    this.body = el("div.sheets");
    frame.replaceChildren(this.body);
    frame.onscroll = null;
  }

  // Show the pages at once, and the passage, in the middle of the view, when it is found.
  async open() {
    this.body.replaceChildren(el("progress", { "aria-label": t("Loading") }));
    const passage = this.end > this.start ? this.#ask(`&start=${this.start}&end=${this.end}`) : null;
    const found = passage?.then(({ highlights }) => highlights, () => []); // the pages are of use without
    try {
      this.#lay((await this.#ask("")).pages);
      this.#go(this.page);
      if (found) this.#mark(await found);
    } catch (error) {
      this.body.replaceChildren(lost(error, () => this.open()));
    }
  }

  #ask(passage) {
    return api("GET", `${this.path}?version=${this.version}${passage}`);
  }

  // -- the pages

  #lay(sizes) {
    this.sheets = sizes.map(({ width, height }, index) => {
      const sheet = el("figure.sheet", {}, el("img", { alt: t("Page {page}", { page: index + 1 }), decoding: "async" }));
      sheet.style.aspectRatio = `${width} / ${height}`; // nothing moves when the image comes
      return sheet;
    });
    this.body.replaceChildren(this.#bar(), ...this.sheets);
    const pixels = this.sheets[0].clientWidth * devicePixelRatio;
    this.width = Math.min(WIDEST, Math.max(STEP, Math.ceil(pixels / STEP) * STEP));
    const near = new IntersectionObserver((seen) => {
      seen.forEach((one) => this.#pass(one, near));
      if (!this.body.isConnected) near.disconnect(); // another source has taken the frame
    }, { root: this.frame, rootMargin: `${AHEAD} 0px` });
    this.sheets.forEach((sheet) => near.observe(sheet));
    this.frame.onscroll = () => this.#tell();
  }

  #pass({ target: sheet, isIntersecting }, near) {
    clearTimeout(this.#timers.get(sheet));
    if (!isIntersecting) return;
    this.#timers.set(sheet, setTimeout(() => {
      near.unobserve(sheet);
      this.#draw(sheet);
    }, PASSING));
  }

  #draw(sheet, tries = 1) {
    const source = `${this.path}/${this.sheets.indexOf(sheet) + 1}?version=${this.version}&width=${this.width}&space=${space}`;
    const image = $("img", sheet);
    image.onerror = () => this.#again(sheet, source, tries);
    image.src = source;
  }

  // An image does not say why it did not come; whoever asks again is told.
  async #again(sheet, source, tries) {
    try {
      await request("GET", source);
      if (tries < TRIES) this.#draw(sheet, tries + 1);
    } catch (error) {
      if (error.retryAfter !== null && tries < TRIES) setTimeout(() => this.#draw(sheet, tries + 1), error.retryAfter * 1000);
      else {
        const said = el("figcaption.notice.bad", {}, lost(error, () => { said.remove(); this.#draw(sheet); }));
        sheet.append(said);
      }
    }
  }

  // -- moving about

  #bar() {
    const step = (by, name, label) => el("button.button.plain.compact.icon-only", { type: "button", "aria-label": label, onclick: () => this.#go(this.#current() + by) }, icon(name));
    this.number = el("input.input", { type: "number", min: 1, max: this.sheets.length, value: 1, inputmode: "numeric", "aria-label": t("Page") });
    this.number.addEventListener("change", () => this.#go(this.number.valueAsNumber || this.#current()));
    this.said = el("p.small.soft", { role: "status" });
    return el("div.page-bar", { role: "group", "aria-label": t("Pages") },
      step(-1, "previous", t("Previous page")), this.number, el("span.small.soft.number", {}, `/ ${this.sheets.length}`), step(1, "next", t("Next page")), this.said);
  }

  // The page in the middle of the view.
  #current() {
    const middle = this.frame.scrollTop + this.frame.clientHeight / 2;
    const next = this.sheets.findIndex((sheet) => sheet.offsetTop > middle);
    return next < 0 ? this.sheets.length : Math.max(1, next);
  }

  #tell() {
    if (this.body.isConnected && document.activeElement !== this.number) this.number.value = this.#current();
  }

  #go(page) {
    const sheet = this.sheets[Math.min(Math.max(page, 1), this.sheets.length) - 1];
    this.#scroll(page <= 1 ? 0 : sheet.offsetTop - $(".page-bar", this.body).offsetHeight - 8);
    this.number.value = this.sheets.indexOf(sheet) + 1;
  }

  #scroll(top) {
    if (this.body.isConnected) this.frame.scrollTop = top;
  }

  // -- the passage

  #mark(highlights) {
    for (const { page, boxes } of highlights) {
      const rects = boxes.map(({ left, top, right, bottom }) => svg("rect", { x: left, y: top, width: right - left, height: bottom - top }));
      this.sheets[page - 1]?.append(svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", role: "img", "aria-label": t("The cited passage") }, ...rects));
    }
    const first = highlights[0];
    const sheet = first && this.sheets[first.page - 1];
    if (sheet) this.#scroll(sheet.offsetTop + first.boxes[0].top * sheet.offsetHeight - this.frame.clientHeight / 3);
    else this.said.textContent = t("The passage could not be marked here; the text has it.");
  }
}
