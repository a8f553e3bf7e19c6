// Tabs with the keys that tabs have; `shown` is fired in a panel when it is.

import { $$ } from "./dom.js";

export function tabs(list) {
  const all = $$('[role="tab"]', list);
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const choose = (chosen) => {
    for (const tab of all) {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel(tab).hidden = tab !== chosen;
    }
    const opened = panel(chosen);
    opened.dispatchEvent(new Event("shown"));
    for (const child of opened.children) child.dispatchEvent(new Event("shown"));
  };
  list.addEventListener("click", (event) => { const tab = event.target.closest('[role="tab"]'); if (tab) choose(tab); });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = all.at((all.indexOf(document.activeElement) + step) % all.length);
    next.focus();
    choose(next);
  });
  choose(all[0]);
}
