// The settings of a space: forms, keys, webhooks, and its end.

import "./forms.js";
import { api } from "./api.js";
import { $ } from "./dom.js";
import { complain, confirmed, toast } from "./toast.js";
import { t, told } from "./words.js";

const space = $("#erase").dataset.space;
const changed = (list) => htmx.trigger(`#${list}`, "changed");

// -- what is shown once

document.addEventListener("saved", ({ target, detail }) => {
  const shows = target.dataset.shows;
  if (!shows) return;
  $("#secret").textContent = detail[shows];
  $("#secret-embed").hidden = detail.role !== "ask";
  $("#secret-snippet").textContent = $("#snippet").textContent.replace("pk_…", detail[shows]);
  $("#shown-once").showModal();
});
$("#shown-once").addEventListener("close", () => {
  $("#secret").textContent = "";
  $("#secret-snippet").textContent = "";
});

// -- keys and webhooks

const ACTIONS = {
  async revoke({ revoke, name, own }) {
    const text = own === undefined ? t("Whoever uses it is refused at once.") : t("You are signed in with this key: you will be signed out.");
    if (!(await confirmed({ title: t("Revoke “{name}”?", { name }), text, action: t("Revoke") }))) return;
    await api("DELETE", `/v1/spaces/${space}/keys/${revoke}`);
    if (own !== undefined) return location.assign("/login");
    changed("keys-list");
    toast(t("“{name}” is revoked.", { name }));
  },
  async unhook({ unhook, name }) {
    if (!(await confirmed({ title: t("Delete this webhook?"), text: name, action: t("Delete") }))) return;
    await api("DELETE", `/v1/webhooks/${unhook}`);
    changed("webhooks-list");
  },
  async test({ test }) {
    const { job_id: job } = await api("POST", `/v1/webhooks/${test}/test`);
    const close = toast(t("The test is on its way…"), { seconds: 60 });
    const ended = await end(job);
    close();
    if (ended.state === "succeeded") toast(t("The webhook has taken the test."));
    else complain(new Error(ended.error ?? t("The webhook has not answered yet; it is tried for three days.")));
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-revoke], [data-unhook], [data-test]");
  if (!button) return;
  const action = Object.keys(ACTIONS).find((name) => name in button.dataset);
  button.disabled = true;
  ACTIONS[action](button.dataset).catch(complain).finally(() => { button.disabled = false; });
});

// The job once it has ended, or has failed for the first time, or after `seconds`.
async function end(id, seconds = 30) {
  for (const until = Date.now() + seconds * 1000; ; ) {
    const job = await api("GET", `/v1/jobs/${id}`);
    if (!["queued", "running"].includes(job.state) || job.error || Date.now() > until) return job;
    await pause(500);
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// -- the end of the space

$("#erase").addEventListener("click", async ({ target }) => {
  const { name } = target.closest("#erase").dataset;
  const text = t("Everything in it is erased for good. Nobody can bring it back.");
  if (!(await confirmed({ title: t("Erase the space “{name}”?", { name }), text, action: t("Erase for good"), typed: name }))) return;
  const said = $("#erasing");
  try {
    await api("DELETE", `/v1/spaces/${space}`);
    said.hidden = false;
    $("#erase").disabled = true;
    said.textContent = t("The space is closed. Its rows and files are being erased…");
    if (!("admin" in $("#erase").dataset)) return; // the key of the space has ended with it: nobody is left to watch
    const remark = await erased();
    said.classList.add(remark ? "warn" : "good");
    said.textContent = [remark ? t("The space is erased.") : t("The space is erased: nothing of it is left."), remark && told(remark)].filter(Boolean).join(" ");
  } catch (error) {
    said.hidden = false;
    said.textContent = told(error.message);
  }
});

// What the job could not do, once it has ended. An admin can watch it; a key of the space has ended with it.
async function erased() {
  for (;;) {
    const { items } = await api("GET", "/v1/jobs?kind=space.purge&limit=200", { space: false });
    const job = items.find((each) => each.args.space_id === space);
    if (!job || job.state === "succeeded") return job?.error;
    if (job.state === "dead" || job.state === "failed") throw new Error(job.error);
    await pause(1000);
  }
}
