// The figures of the installation, read anew while somebody looks; and jobs that are tried again.

import "./spaces.js";
import { api } from "./api.js";
import { $ } from "./dom.js";
import { complain, toast } from "./toast.js";
import { t } from "./words.js";

const EVERY = 3000;
const figures = $("#figures");

// Not while something in it has the focus: it would be lost.
setInterval(() => {
  const wanted = $("#live").checked && document.visibilityState === "visible" && !figures.contains(document.activeElement);
  if (wanted) htmx.trigger(figures, "tick");
}, EVERY);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-retry]");
  if (!button) return;
  button.disabled = true;
  try {
    await api("POST", `/v1/jobs/${button.dataset.retry}/retry`);
    toast(t("The job is queued again."));
    htmx.trigger(figures, "tick");
  } catch (error) {
    button.disabled = false;
    complain(error);
  }
});
