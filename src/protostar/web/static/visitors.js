// Everything of one visitor: found by the name they signed in with, and erased.

import "./forms.js";
import { api } from "./api.js";
import { complain, confirmed, toastLater } from "./toast.js";
import { t } from "./words.js";

document.addEventListener("saved", ({ detail }) => location.assign(`/conversations?visitor=${detail.visitor_id}`));

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-erases-visitor]");
  if (!button) return;
  const text = t("All conversations of this visitor are erased at once and for good: questions, answers and ratings, and with them your corrections of these answers.");
  if (!(await confirmed({ title: t("Erase everything of this visitor?"), text, action: t("Erase") }))) return;
  button.disabled = true;
  try {
    const { conversations } = await api("POST", "/v1/visitors/erase", { json: { visitor_id: button.dataset.erasesVisitor } });
    toastLater(t("Conversations erased: {n}", { n: conversations }));
    location.assign("/conversations");
  } catch (error) {
    button.disabled = false;
    complain(error);
  }
});
