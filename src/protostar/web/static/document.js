// The page of one document.

import { api } from "./api.js";
import { $, $$, el } from "./dom.js";
import { tabs } from "./tabs.js";
import { complain, confirmed, toast } from "./toast.js";
import { Upload } from "./upload.js";
import { PageView, TextView } from "./viewer.js";
import { t, when } from "./words.js";

const { id, title, job } = $("#document").dataset;

for (const pane of $$("[data-view=text], [data-view=pages]")) {
  pane.addEventListener("shown", () => {
    const { view, document: name, version, start, end, page, pages } = pane.dataset;
    const place = { document: name, version, start: Number(start), end: Number(end), page: Number(page), pages: Number(pages) || null };
    new (view === "pages" ? PageView : TextView)(pane, place).open().catch(complain);
  }, { once: true });
}
// htmx, which loads the passages, is there once the page is.
addEventListener("DOMContentLoaded", () => tabs($('[role="tablist"]')));
if (document.readyState !== "loading") tabs($('[role="tablist"]'));

$("#replacement").addEventListener("change", async ({ target }) => {
  if (!target.files.length) return;
  const upload = new Upload(target.files[0], { method: "PUT", path: `/v1/documents/${id}/content` });
  const close = toast(t("Uploading {name}", { name: upload.name }), { seconds: 600 });
  await upload.run();
  close();
  if (upload.state === "sent") location.assign(`/documents/${id}`);
  else complain(upload.error);
});

const ACTIONS = {
  async retry() {
    await api("POST", `/v1/jobs/${job}/retry`);
    location.reload();
  },
  async replace() {
    $("#replacement").click();
  },
  async delete() {
    const text = t("It is hidden at once, and questions are no longer answered from it.");
    if (!(await confirmed({ title: t("Delete “{title}”?", { title }), text, action: t("Delete") }))) return;
    await api("DELETE", `/v1/documents/${id}`);
    sessionStorage.setItem("deleted", JSON.stringify({ id, title }));
    location.assign("/documents");
  },
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) ACTIONS[button.dataset.do]().catch(complain);
});

// Who asked about it: who reads the page need not wait for that.
async function asked() {
  const { items } = await api("GET", `/v1/documents/${id}/questions?limit=20`);
  const lines = items.map((each) => el("li", {}, el("div.grow", {}, el("p", {}, each.question), el("p.small.soft", {}, when(new Date(each.created_at))))));
  $("#asked ul").append(...(lines.length ? lines : [el("li.soft", {}, t("No answer has cited it yet."))]));
  $("#asked").hidden = false;
}
asked().catch(() => {});
