// The settings of a space: forms, keys, webhooks, and its end.

import "./forms.js";
import "./spaces.js";
import { api } from "./api.js";
import { $, $$ } from "./dom.js";
import { complain, confirmed, toast } from "./toast.js";
import { t, told } from "./words.js";

const space = $("#erase").dataset.space;

// The list anew; whoever had the focus in a row that is gone goes on at the heading.
function changed(list) {
  const place = document.getElementById(list);
  place.addEventListener("htmx:afterSwap", () => { if (document.activeElement === document.body) $("h2", place.closest("section")).focus(); }, { once: true });
  htmx.trigger(place, "changed");
}

// -- its name, wherever it stands

document.addEventListener("saved", ({ target, detail: { name } }) => {
  if (target.dataset.method !== "PATCH") return;
  $$("[data-names-space]").forEach((each) => { each.textContent = name; });
  for (const button of $$("#erase, #restore")) button.dataset.name = name;
});

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

// Only its button closes it: what one key more would lose is not to be had again. `closedby` is not known to every browser.
$("#shown-once").addEventListener("keydown", (event) => { if (event.key === "Escape") event.preventDefault(); });
$("#shown-once").addEventListener("cancel", (event) => event.preventDefault());

// -- keys and webhooks

const ACTIONS = {
  async revoke({ revoke, name, own }) {
    const text = own === undefined ? t("It stops working at once.") : t("You are signed in with this key: you will be signed out.");
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
    else if (ended.error) complain(new Error(told(ended.error) + (["queued", "running"].includes(ended.state) ? ` ${t("It is tried again for three days.")}` : "")));
    else complain(new Error(t("The webhook has not answered yet; it is tried for three days.")));
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

$("#erase").addEventListener("click", async () => {
  const { name, minutes } = $("#erase").dataset;
  const text = t("For {minutes} minutes the admin key can restore it. Then everything in it is erased for good, and nobody can bring it back.", { minutes });
  if (!(await confirmed({ title: t("Erase the space “{name}”?", { name }), text, action: t("Close and erase"), typed: name }))) return;
  const said = $("#erasing");
  const restore = $("#restore"); // an admin's
  try {
    await api("DELETE", `/v1/spaces/${space}`);
    $("#erase").disabled = true;
    restore?.removeAttribute("hidden");
    said.textContent = `${t("The space is closed. In {minutes} minutes it is erased for good.", { minutes })} ${restore ? t("Until then it can be restored here, and on the page «System».") : t("Until then ask whoever has the admin key if it is to be restored: your own key is closed with it.")}`;
  } catch (error) {
    said.textContent = told(error.message);
  }
  said.hidden = false;
  (restore?.checkVisibility() ? restore : said).focus(); // the button that had it cannot have it now
});
