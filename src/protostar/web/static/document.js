// The page of one document.

import { api, request } from "./api.js";
import { $, $$ } from "./dom.js";
import { PageView } from "./pages.js";
import { tabs } from "./tabs.js";
import { complain, toast } from "./toast.js";
import { Upload } from "./upload.js";
import { TextView } from "./viewer.js";
import { t } from "./words.js";

const { id, title, job } = $("#document").dataset;

const VIEWS = { pages: PageView, text: TextView };
for (const pane of $$("[data-view]")) {
  pane.addEventListener("shown", () => {
    const { view, document: name, version, start, end, page } = pane.dataset;
    new VIEWS[view](pane, { document: name, version, start: Number(start), end: Number(end), page: Number(page) }).open().catch(complain);
  }, { once: true });
}
// htmx, which loads the passages, begins with this event.
addEventListener("DOMContentLoaded", () => tabs($('[role="tablist"]')));

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
  async reread() {
    await api("POST", `/v1/documents/${id}/reread`);
    location.assign(`/documents/${id}`);
  },
  async replace() {
    $("#replacement").click();
  },
  // The list lets it be taken back.
  async delete(byKey) {
    await request("DELETE", `/v1/documents/${id}`);
    sessionStorage.setItem("deleted", JSON.stringify({ id, title, byKey }));
    location.assign("/documents");
  },
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  button.disabled = button.dataset.do !== "replace"; // what is done leaves the page, and would be refused a second time
  ACTIONS[button.dataset.do](event.detail === 0).catch((error) => {
    if (error.status === 404 && button.dataset.do !== "retry") return location.reload(); // it says what has become of the document
    button.disabled = false;
    complain(error);
  });
});
