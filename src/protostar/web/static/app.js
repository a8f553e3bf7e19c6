// What every page does: htmx with our headers, language and appearance, dialogs, menus, times.

import { headers, passes, pause, signIn } from "./api.js";
import { $, $$ } from "./dom.js";
import { forgive, refuse } from "./faults.js";
import { toast } from "./toast.js";
import { exactly, t, told, when } from "./words.js";

// -- htmx

const AGAIN = 4; // seconds

document.addEventListener("htmx:configRequest", (event) => Object.assign(event.detail.headers, headers()));
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.status !== 401) return;
  event.preventDefault();
  signIn();
});
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, ({ detail: { elt, xhr, requestConfig } }) => {
    const rest = elt instanceof HTMLFormElement ? refuse(elt, sentenceOf(xhr)) : sentenceOf(xhr);
    if (rest) complainOnce(rest);
    if (passes(xhr) && isOwn(elt)) loadLater(elt, requestConfig.path);
  });
}
document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => { if (elt instanceof HTMLFormElement) forgive(elt); });

function sentenceOf({ status, responseText }) {
  if (status === 0) return "The server cannot be reached.";
  let problem = null;
  try { problem = JSON.parse(responseText); } catch { /* not one of ours, as from a proxy */ }
  return problem?.detail ?? t("The server answered {status}.", { status });
}

// However often a page that follows something asks.
const complaints = new Set();
function complainOnce(sentence) {
  if (complaints.has(sentence)) return;
  complaints.add(sentence);
  toast(told(sentence), { bad: true, ended: () => complaints.delete(sentence) });
}

// What a page loads by itself, it goes on trying to: else its spinner would turn for nothing. So it does with a list that is
// filtered, which would show something else than what is chosen above it.
const isOwn = (elt) => elt.matches('[role="search"]') || /\b(load|once)\b/.test(elt.getAttribute("hx-trigger"));
const waiting = new WeakSet();
async function loadLater(elt, path) {
  if (waiting.has(elt)) return;
  waiting.add(elt);
  await pause(AGAIN, new AbortController().signal);
  waiting.delete(elt);
  if (elt.isConnected) htmx.ajax("GET", path, { source: elt }).catch(() => {});
}
// «HX-Trigger: {"said": "…"}»: what a form has done, in the server's words.
document.addEventListener("said", (event) => toast(event.detail.value));
const said = sessionStorage.getItem("said"); // by the page before
if (said) {
  sessionStorage.removeItem("said");
  toast(said);
}
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) event.detail.elt.closest?.("dialog")?.close();
});

// What a search has found, for those who do not see the list change.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  const found = $("[data-found]", target)?.dataset.found;
  if (!found) return;
  const said = [$("#q").value.trim(), $("#filters :checked").nextSibling.textContent.trim(), found].filter(Boolean).join(" · ");
  if ($("#found").textContent !== said) $("#found").textContent = said;
});

// -- the space: keys go through all of them, so what they choose counts once it is confirmed or left

const spaces = $("#space");
if (spaces) {
  let byKey = false;
  const choose = () => { if (!spaces.selectedOptions[0].defaultSelected) htmx.trigger(spaces.form, "chosen"); };
  spaces.addEventListener("pointerdown", () => { byKey = false; });
  spaces.addEventListener("keydown", (event) => {
    byKey = true;
    if (event.key !== "Enter") return;
    event.preventDefault();
    choose();
  });
  spaces.addEventListener("change", () => { if (!byKey) choose(); });
  spaces.addEventListener("blur", choose);
}

// -- times in the reader's own zone and language

class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = $("time", this);
    if (!time) return;
    this.date = new Date(time.dateTime);
    time.title = exactly(this.date);
    this.show();
  }
  show() { $("time", this).textContent = when(this.date); }
}
customElements.define("local-time", LocalTime);
setInterval(() => $$("local-time").forEach((each) => each.show()), 30_000);

// -- preferences, remembered in cookies so that the next page comes right at once

const remember = (name, value) => { document.cookie = `protostar_${name}=${value}; path=/; max-age=31536000; samesite=lax`; };

remember("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);

document.addEventListener("click", (event) => {
  const target = event.target.closest("button, a");
  if (!target) return;
  if (target.dataset.language) {
    remember("language", target.dataset.language);
    document.dispatchEvent(new Event("leaving"));
    location.reload();
  } else if (target.dataset.themeChoice) {
    remember("theme", target.dataset.themeChoice);
    document.documentElement.dataset.theme = target.dataset.themeChoice;
    $$("[data-theme-choice]").forEach((each) => each.setAttribute("aria-pressed", each === target));
  } else if (target.dataset.opens) {
    document.getElementById(target.dataset.opens).showModal();
  } else if ("closes" in target.dataset) {
    target.closest("dialog").close();
  } else if ("menu" in target.dataset) {
    showMenu(!$("#side").classList.contains("open"));
  } else if (target.dataset.copies) {
    copy($(target.dataset.copies).textContent);
  } else if (target.closest("[popover]")) {
    target.closest("[popover]").hidePopover();
  }
});

function showMenu(open) {
  $("#side").classList.toggle("open", open);
  $("[data-menu]").setAttribute("aria-expanded", open);
}
document.addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape" || !$("#side.open") || target.closest?.("dialog, [popover]")) return;
  showMenu(false);
  $("[data-menu]").focus();
});

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("Copied"));
  } catch {
    toast(t("The browser does not allow copying here. Select the text and copy it by hand."), { bad: true });
  }
}

// A click beside a dialog closes it, unless what it shows would be lost.
document.addEventListener("pointerdown", ({ target }) => {
  if (target instanceof HTMLDialogElement && target.open && target.getAttribute("closedby") !== "none") target.close();
});

// -- menus: beside their button, wherever there is room; with the keys that menus have

document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!(menu instanceof HTMLElement) || !menu.hasAttribute("popover") || event.newState !== "open") return;
  const button = $(`[popovertarget="${menu.id}"]`);
  if (!button) return;
  const at = button.getBoundingClientRect();
  const up = at.bottom + menu.offsetHeight + 8 > innerHeight && at.top > menu.offsetHeight;
  menu.style.top = `${up ? at.top - menu.offsetHeight - 4 : at.bottom + 4}px`;
  menu.style.left = `${Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
  $("a, button", menu)?.focus();
}, true);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("[popover]");
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const items = $$("a, button", menu);
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  items.at(next % items.length).focus();
});

document.addEventListener("scroll", () => $$(".menu > :popover-open").forEach((each) => each.hidePopover()), { capture: true, passive: true });
